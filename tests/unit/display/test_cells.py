"""How wide texts are on a terminal, and how they are made to fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile.texts import TEXTS
from streamtap._base.safe_text import safe
from streamtap._display.cells import cells, cut_in_the_middle, flowed, wrapped
from streamtap._display.exits import isolated


@pytest.mark.parametrize(
    ('text', 'size'),
    [
        ('', 0),
        ('agent', 5),
        ('東京', 4),
        ('ｱ', 1),
        ('\N{FULLWIDTH LATIN CAPITAL LETTER A}', 2),
        ('e\N{COMBINING ACUTE ACCENT}', 1),
        ('\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}', 2),
        (isolated('\N{HEBREW LETTER ALEF}'), 1),
        ('\N{ROCKET}', 2),
    ],
)
def test_characters_have_their_cells(text: str, size: int):
    """Those of East Asia have two; marks on others, and what isolates a text, have none."""
    assert cells(text) == size


@pytest.mark.parametrize(
    ('text', 'width', 'shown'),
    [
        ('researcher', 10, 'researcher'),
        ('researcher', 9, 'rese…cher'),
        ('researcher', 8, 'rese…her'),
        ('researcher', 1, '…'),
        (f'a {isolated("אב")} c', 4, 'a …c'),
        ('東京特許許可局', 14, '東京特許許可局'),
        ('東京特許許可局', 10, '東京…可局'),
        ('abcde\N{COMBINING ACUTE ACCENT}f', 4, 'ab…f'),
    ],
)
def test_a_name_is_cut_in_the_middle(text: str, width: int, shown: str):
    """Its ends tell it from others; a character of two cells is not cut in two, and a mark stays with its own."""
    assert cut_in_the_middle(text, width) == shown


@given(TEXTS, st.integers(1, 100))
def test_whatever_is_cut_fits(text: str, width: int):
    """In any script."""
    assert cells(cut_in_the_middle(safe(text[:300]), width)) <= width


def test_parts_share_lines_and_stay_whole():
    """As many on each as fit, one that is too long alone."""
    parts = ['one', 'two', 'three', 'a part that is long', 'x']
    assert flowed(parts, 12) == ['one  two', 'three', 'a part that is long', 'x']
    assert flowed(parts, None) == ['one  two  three  a part that is long  x']
    assert flowed([], 12) == []


def test_sentences_are_wrapped_between_words():
    """Each begins on a line of its own."""
    assert wrapped(['one two three', 'four'], 8) == ['one two', 'three', 'four']
    assert wrapped(['one two three', 'four'], None) == ['one two three', 'four']
