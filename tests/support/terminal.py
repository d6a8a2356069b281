"""A terminal of a given width, in place of stdout."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        """What was written, without the escape sequences."""
        return re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', self.getvalue())


def terminal(patch: pytest.MonkeyPatch, columns: int, **environment: str) -> Terminal:
    """Make stdout a terminal, until the patch is undone.

    Args:
        patch: Does it.
        columns: Its width.
        environment: What is set besides.
    """
    for name in ('NO_COLOR', 'FORCE_COLOR'):
        patch.delenv(name, raising=False)
    for name, value in {'TERM': 'xterm-256color', 'COLUMNS': str(columns), **environment}.items():
        patch.setenv(name, value)
    shown = Terminal()
    patch.setattr(sys, 'stdout', shown)
    return shown
