"""What is known of where stdout goes."""

from __future__ import annotations

import io
import sys

import pytest

from streamtap._display.terminal import has_styles, is_terminal, terminal_width
from support.terminal import terminal


def closed() -> io.StringIO:
    """A stdout that is closed."""
    stream = io.StringIO()
    stream.close()
    return stream


def test_a_terminal_has_a_width_and_styles(monkeypatch: pytest.MonkeyPatch):
    """The width is that of the environment, if it says one."""
    terminal(monkeypatch, 118)
    assert (is_terminal(), terminal_width(), has_styles()) == (True, 118, True)


@pytest.mark.parametrize('stdout', [io.StringIO(), closed(), None], ids=['pipe', 'closed', 'none'])
def test_what_is_no_terminal_has_neither(stdout: io.StringIO | None, monkeypatch: pytest.MonkeyPatch):
    """A pipe, a file, or nothing at all, also if `COLUMNS` is set."""
    monkeypatch.setenv('COLUMNS', '118')
    monkeypatch.setattr(sys, 'stdout', stdout)
    assert (is_terminal(), terminal_width(), has_styles()) == (False, None, False)


@pytest.mark.parametrize('environment', [{'NO_COLOR': '1'}, {'TERM': 'dumb'}, {'TERM': 'unknown'}], ids=str)
def test_who_wants_no_styles_gets_none(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """And the width all the same."""
    terminal(monkeypatch, 118, **environment)
    assert (terminal_width(), has_styles()) == (118, False)
