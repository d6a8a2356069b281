"""Where a name is broken if it must be."""

from __future__ import annotations

import pytest

from streamtap._display.breaks import parts_of


@pytest.mark.parametrize(
    ('text', 'parts'),
    [
        ('quote_shipping', ['quote_', 'shipping']),
        ('function:house-7b', ['function:', 'house-', '7b']),
        ('ModelHTTPError_503', ['Model', 'HTTP', 'Error_', '503']),
        ('tenant=acme', ['tenant=', 'acme']),
        ('a/b', ['a/', 'b']),
        ('-', ['-']),
        ('', ['']),
    ],
)
def test_names_are_broken_at_their_joints(text: str, parts: list[str]):
    """After what joins words, and before a capital."""
    assert parts_of(text) == parts


def test_an_id_is_broken_between_its_groups_and_a_time_is_not():
    """A time is read as one."""
    id_ = ['01a22df3-', '2d8a-', '73c9-', '9ca5-', '55d200b7583f']
    assert parts_of(''.join(id_)) == id_
    assert parts_of('11-30 19:33:29') == ['11-30 19:33:29']


def test_a_word_without_a_joint_is_broken_after_sixteen_characters():
    """Words of a sentence, which have blanks between them, are not."""
    assert parts_of('a' * 16) == ['a' * 16]
    assert parts_of('a' * 33) == ['a' * 16, 'a' * 16, 'a']
    assert parts_of('waiting for the model') == ['waiting for the model']


def test_what_isolates_a_name_is_not_parted():
    """Half of it would isolate all that follows."""
    text = 'tool \u2068\u05d1\u05d3\u05d5\u05e7_a\u2069'
    assert parts_of(text) == [text]
