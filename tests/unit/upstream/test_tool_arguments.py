"""Whether two tool calls have the same arguments."""

from __future__ import annotations

import json

import pytest

from streamtap._upstream.tool_arguments import MOST_COMPARED, fingerprint


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
        ('{"a": 1}', {'a': 1}),
        ('', None),
        ('{}', None),
    ],
)
def test_the_same_arguments_are_the_same_however_they_are_written(one: object, other: object):
    """Models change blanks and the order of names."""
    assert fingerprint('search', one) == fingerprint('search', other) is not None


def test_other_arguments_and_other_tools_are_others():
    """A number is not its text."""
    calls = [('search', {'a': 1}), ('search', {'a': '1'}), ('search', {'b': 1}), ('fetch', {'a': 1}), ('search', None)]
    assert len({fingerprint(*call) for call in calls}) == len(calls)


@pytest.mark.parametrize('arguments', ['{"a": ', '[' * 10_000, {'a': object()}, {1: 2, 'b': 3}])
def test_what_is_no_json_is_not_compared(arguments: object):
    """Whatever a model or a server made of it."""
    assert fingerprint('search', arguments) is None


def test_long_arguments_are_compared_as_they_are_written():
    """The run does not wait for them to be read."""
    text = json.dumps({'document': 'a' * MOST_COMPARED, 'page': 1})
    assert fingerprint('store', text) == fingerprint('store', f'{text}') is not None
    assert fingerprint('store', text) != fingerprint('store', text.replace('1}', '2}'))
    assert fingerprint('store', 'no JSON ' * MOST_COMPARED) is not None
