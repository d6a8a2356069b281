"""The guard around the doors' own code."""

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
    except Exception as error:
        out.failed(where, error)
