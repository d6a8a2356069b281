"""Which release of pydantic-ai is installed, and which one each door needs."""

from __future__ import annotations

import re

import pydantic_ai
from pydantic_ai.capabilities import AbstractCapability


def release_of(version: str) -> tuple[int, int]:
    """The release line that a version belongs to: `(2, 68)` for `2.68.0`, and for `2.68.0b1`.

    Raises:
        ValueError: If it does not begin with two numbers.
    """
    numbers = re.match(r'(\d+)\.(\d+)', version)
    if numbers is None:
        raise ValueError(f'not a version: {version!r}')
    return int(numbers[1]), int(numbers[2])


VERSION: str = pydantic_ai.__version__
"""The version of pydantic-ai that is installed."""

RELEASE = release_of(VERSION)
"""The release line of pydantic-ai that is installed."""

HAS_LAZY_STREAMS = RELEASE >= (2, 10)
"""Whether a handler is called before its request is sent; older releases call it when the first chunk is there."""

HAS_BARRIERS = RELEASE >= (2, 0)
"""Whether a `sequential` tool only waits for the calls before it; in older releases all calls of its round wait."""

HAS_ATTEMPTS = hasattr(AbstractCapability, 'prepare_model_request')
"""Whether there are hooks for each attempt of a request (2.61 and later), not only for the request as a whole."""

CAPABILITY = (2, 23)
"""From here on, events go through capabilities in every way of running an agent, and hooks know what streams."""

WATCH = (2, 26)
"""From here on, the events of `run_stream_events()` lead to their run."""


class TooOldError(RuntimeError):
    """The installed pydantic-ai is too old for a door."""


def require(release: tuple[int, int], what: str, instead: str) -> None:
    """Check that pydantic-ai is new enough.

    Args:
        release: The first release line that has what is needed.
        what: What needs it.
        instead: What to do without it.

    Raises:
        TooOldError: If it is older.
    """
    if release > RELEASE:
        raise TooOldError(
            f'{what} needs pydantic-ai {release[0]}.{release[1]} or newer, but {VERSION} is installed: '
            f'upgrade it, or {instead}'
        )
