"""A tap that is installed for the block of a `with` statement, after which pydantic-ai is as it was."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pydantic_ai import Agent
from pydantic_ai.capabilities import CAPABILITY_TYPES

from streamtap import Tap, install, uninstall
from streamtap._install.process import PROCESS

if TYPE_CHECKING:
    from collections.abc import Generator

    import pytest


@contextlib.contextmanager
def installed(tap: Tap | None = None, *, stream: bool = False) -> Generator[Tap]:
    """Install a tap, and put everything back.

    Args:
        tap: The tap; without one, the process's own.
        stream: Whether runs stream that otherwise would not.
    """
    with as_before():
        yield install(tap, stream=stream)


@contextlib.contextmanager
def as_before() -> Generator[None]:
    """Whatever the block installs is gone after it, and nothing of pydantic-ai is changed."""
    before = dict(vars(Agent)), dict(CAPABILITY_TYPES)
    try:
        yield
    finally:
        uninstall()
    assert (dict(vars(Agent)), CAPABILITY_TYPES) == before


def own_tap(monkeypatch: pytest.MonkeyPatch, tap: Tap | None) -> None:
    """Make a tap the process's own, as if it had been made for those who were given none; `None`: it is still to be made."""
    monkeypatch.setattr(PROCESS, '_own', tap)
