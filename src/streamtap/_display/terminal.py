"""What can be shown where stdout goes: how wide, and with or without styles."""

from __future__ import annotations

import os
import shutil
import sys

_DUMB = 'dumb', 'unknown'


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # There is none, or it is closed.
        return False


def terminal_width() -> int | None:
    """The columns of the terminal that stdout is, or `COLUMNS` of the environment; `None` if it is none.

    What goes into a pipe or a file is read by programs, and has any width.
    """
    return shutil.get_terminal_size().columns if is_terminal() else None


def has_styles() -> bool:
    """Whether stdout is a terminal that takes colours, and its user wants any: `NO_COLOR` and `TERM=dumb` say no."""
    return is_terminal() and not os.environ.get('NO_COLOR') and os.environ.get('TERM') not in _DUMB
