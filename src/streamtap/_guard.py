"""The guard around the tap's own code, and around what it calls of others."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from streamtap._dispatch import Dispatch


@contextlib.contextmanager
def guarded(out: Dispatch, where: str) -> Generator[None]:
    """Whatever fails inside is counted, and the run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        # The user's, whoever's code it hits.
        raise
    except BaseException as error:
        out.failed(where, error)
