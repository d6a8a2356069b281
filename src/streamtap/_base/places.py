"""Where an exception was raised, without what it says."""

from __future__ import annotations

import traceback

from streamtap._base.safe_text import safe


def place_of(error: BaseException) -> str:
    """File and line, as ` at file:line`; empty if it was raised nowhere.

    Args:
        error: The exception.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return f' at {safe(frames[-1].filename)}:{frames[-1].lineno}' if frames else ''
