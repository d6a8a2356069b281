"""Which release of pydantic-ai is installed, and which one the tap needs."""

from __future__ import annotations

import re

import pydantic_ai
from pydantic_ai.capabilities import AbstractCapability

OLDEST = (2, 26)
"""The first release in which every door sees every way of running an agent, and every failure before the first chunk.

`pyproject.toml` says the same to installers.
"""


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

HAS_ATTEMPTS = hasattr(AbstractCapability, 'prepare_model_request')
"""Whether there are hooks for each attempt of a request (2.64 and later), not only for the request as a whole."""


class TooOldError(RuntimeError):
    """The installed pydantic-ai is older than `OLDEST`."""


def check_release() -> None:
    """Check that the installed pydantic-ai is one that the tap can measure.

    Raises:
        TooOldError: If it is too old.
    """
    if release_of(VERSION) < OLDEST:
        oldest = '.'.join(map(str, OLDEST))
        raise TooOldError(
            f'streamtap needs pydantic-ai {oldest} or newer, but {VERSION} is installed: '
            f"pip install --upgrade 'pydantic-ai-slim>={oldest}'"
        )
