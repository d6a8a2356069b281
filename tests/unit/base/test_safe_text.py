"""Which characters are unsafe, and what stands for them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile.texts import FLOOD, HOSTILE, TEXTS, UNSAFE
from streamtap._base.names import MAX_LENGTH, clean
from streamtap._base.safe_text import MOST_MARKS, replaced, safe

MARK = '\N{REPLACEMENT CHARACTER}'


@pytest.mark.parametrize('unsafe', UNSAFE, ids=ascii)
def test_an_unsafe_character_is_replaced(unsafe: str):
    """Wherever it stands, by one that is seen."""
    assert safe(f'a{unsafe}b{unsafe}') == f'a{MARK}b{MARK}'


@pytest.mark.parametrize(
    'name',
    [
        'gpt-5.2', 'a b', '"quoted"', 'caf\u00e9', 'cafe\u0301', '\u6771\u4eac', '\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd', '\u0e17\u0e35\u0e48',
        '\u0939\u093f\u0928\u094d\u0926\u0940', '\U0001f600', '\u2764\ufe0f', '\u1ea5', 'a\u0302\u0301',
    ],
)  # fmt: skip
def test_what_people_write_stays(name: str):
    """In every script, with accents that are characters of their own, and with emoji."""
    assert safe(name) == name


def test_a_flood_of_marks_ends():
    """Those past the fourth would cover other lines."""
    assert safe(FLOOD) == FLOOD[: MOST_MARKS + 1] + MARK * (len(FLOOD) - MOST_MARKS - 1)


def test_a_mark_without_a_character_is_replaced():
    """It would change what stands before the name, such as the end of a tag."""
    assert safe('\N{COMBINING LONG SOLIDUS OVERLAY}a') == f'{MARK}a'


@given(TEXTS)
def test_a_safe_text_is_all_printable_and_stays_as_it_is(text: str):
    """Whatever it was made of."""
    made = clean(text)
    assert made.isprintable()
    assert len(made) <= MAX_LENGTH
    assert clean(made) == safe(made) == made
    made.encode()


@given(st.text(st.characters(codec=None), max_size=20))
def test_only_what_is_unsafe_is_asked_about(text: str):
    """And all of it: the same characters are replaced whatever stands for them."""
    asked: list[str] = []
    kept = replaced(text, lambda each: asked.append(each) or '')
    assert len(kept) + len(asked) == len(text)
    assert safe(text).count(MARK) == len(asked) + kept.count(MARK)


def test_no_character_that_reorders_or_controls_is_safe():
    """Not one in all of Unicode."""
    bidirectional = {'LRE', 'RLE', 'LRO', 'RLO', 'PDF', 'LRI', 'RLI', 'FSI', 'PDI', 'BN', 'B', 'S'}
    # Replaced, or too new for this Python to know.
    left = [
        each
        for each in map(chr, range(0x110000))
        if unicodedata.bidirectional(each) in bidirectional
        and safe(each) == each
        and unicodedata.category(each) != 'Cn'
    ]
    assert left == []


def test_a_name_is_plain_text():
    """A class of text of its own cannot say something else when it is written."""

    class Liar(str):
        __slots__ = ()

        def __str__(self) -> str:
            return '\x1b'

        def __format__(self, spec: str) -> str:
            return '\x1b'

    made = clean(Liar('name'))
    assert (type(made), f'{made}') == (str, 'name')


def test_the_hostile_name_has_something_for_everyone():
    """Otherwise the tests that plant it would prove nothing."""
    assert safe(HOSTILE) != HOSTILE
    assert {'\n', '\r', '\x1b', '\x9b', '\u202e', '\u2028', '\u200b', '"', '<', '=', ';'} <= set(HOSTILE)
