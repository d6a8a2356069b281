"""The house: each file imports what the table of rooms allows it, and nothing imports in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rooms import ROOMS, SOURCE, floors, imports, imports_of_files, imports_of_rooms, room_of, violations

if TYPE_CHECKING:
    from pathlib import Path


def test_every_import_is_one_that_the_table_allows():
    """Also inside functions and under `TYPE_CHECKING`; what breaks a rule is named with its file, line and rule."""
    assert violations() == []


def test_no_file_imports_in_a_circle():
    """Not even for types only."""
    assert min(floors(imports_of_files()).values()) == 1


def test_the_house_has_few_floors():
    """A newcomer climbs from the ground to the command line."""
    assert max(floors(imports_of_rooms()).values()) <= 11


def test_the_table_names_every_room_once():
    """A package or a file at the top that is not in the table has no rule."""
    found = {room_of(path.relative_to(SOURCE).as_posix()) for path in SOURCE.rglob('*.py')}
    assert sorted(room.name for room in ROOMS) == sorted(found)


@pytest.mark.parametrize(
    ('file', 'line', 'rule'),
    [
        ('_meter/a.py', 'from streamtap._sinks.log import LogSink', '_meter may not import _sinks (_sinks/log)'),
        (
            '_sinks/a.py',
            'def f():\n    import pydantic_ai.messages',
            'pydantic_ai may be imported only in _upstream/, _doors/capability/hooks.py, _demo/ (pydantic_ai.messages)',
        ),
        (
            '_records/a.py',
            'if TYPE_CHECKING:\n    from streamtap import _tap',
            '_records may not import _tap (_tap)',
        ),
        ('_meter/a.py', 'from time import monotonic', '_meter/ is arithmetic only (time.monotonic)'),
        ('_runs/a.py', 'import logfire', 'logfire may be imported only in no file (logfire)'),
        ('_new/a.py', 'import os', '_new is not in the table of rooms'),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, file: str, line: str, rule: str):
    """Wherever the import stands."""
    for each, text in (('_sinks/log.py', ''), ('_tap.py', ''), (file, line)):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(text, encoding='utf-8')
    assert violations(tmp_path) == [f'{file}:{1 + line.count(chr(10))}: {rule}']


def test_types_may_be_imported_where_the_library_itself_may_not(tmp_path: Path):
    """The runs name pydantic-ai's messages, and never load them."""
    (tmp_path / '_runs').mkdir()
    (tmp_path / '_runs' / 'a.py').write_text('if TYPE_CHECKING:\n    import pydantic_ai\n', encoding='utf-8')
    assert violations(tmp_path) == []
    assert [each.for_types for each in imports(tmp_path)] == [True]


def test_a_circle_is_named():
    """With the whole way around."""
    with pytest.raises(ValueError, match='a circle of imports: a -> b -> a'):
        floors({'a': {'b'}, 'b': {'a'}})


def test_a_relative_import_is_refused(tmp_path: Path):
    """It would hide what it takes from whom."""
    (tmp_path / '_records').mkdir()
    (tmp_path / '_records' / 'a.py').write_text('from .._sinks import log\n', encoding='utf-8')
    assert violations(tmp_path) == ['_records/a.py:1: write imports of ours in full, from streamtap on']
