"""YAML that an installed package writes without a library."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from streamtap._dashboards.yaml_text import yaml_text

SCALARS = st.one_of(
    st.text(),
    st.text(alphabet=' \n\'"|-:#{}[]&*!?,>%@`0129eE.xon_~\t', max_size=12),
    st.sampled_from(['yes', 'No', 'null', '~', '1', '1e3', '0x1', '1:30', '15s', 'a:b', 'a: b', '- a', '', ' ', 'n']),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(SCALARS.map(str), each, max_size=3), max_leaves=6
)


@given(st.dictionaries(SCALARS.map(str), VALUES, max_size=3) | st.lists(VALUES, max_size=3))
@example({'small': 5e-324, 'large': [1e16, -1e-07]})
def test_a_reader_gets_back_what_was_written(value: object):
    """Whatever texts contain."""
    assert yaml.safe_load(yaml_text(value)) == value


def test_it_is_written_for_people():
    """Lines stay lines, and what needs no quotes has none."""
    group = {'name': 'a', 'interval': '15s', 'rules': [{'record': 'a:b:c', 'expr': 'x\n  /\ny'}, {'for': 'it\'s "x"'}]}
    assert yaml_text({'groups': [group], 'none': [], 'empty': {}}) == (
        'groups:\n'
        '- name: a\n'
        '  interval: 15s\n'
        '  rules:\n'
        '  - record: a:b:c\n'
        '    expr: |-\n'
        '      x\n'
        '        /\n'
        '      y\n'
        "  - for: 'it''s \"x\"'\n"
        'none: []\n'
        'empty: {}\n'
    )


@pytest.mark.parametrize('value', [None, b'a', object()])
def test_anything_else_is_refused(value: object):
    """It would be read as something that nobody wrote."""
    with pytest.raises(TypeError, match='is nothing that is written as YAML here'):
        yaml_text({'a': value})
