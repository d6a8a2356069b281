"""What is different in an export that was edited, or that another release wrote."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, cast

from streamtap._base.files import open_to_read
from streamtap._dashboards.generated import generated
from streamtap._dashboards.promql.contract import strangers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamtap._dashboards.config import Config
    from streamtap._dashboards.grafana.panels import Json

_BOARDS = 'grafana'


def differences(folder: Path, config: Config) -> list[str]:
    """What is different, a line for each file, and what boards of one's own ask for in vain.

    Args:
        folder: The export.
        config: What it was made of.

    Raises:
        OSError: If a file cannot be read.
    """
    files = generated(config)
    found = [said for path, text in files.items() for said in _different(folder / path, path, text)]
    return found + asked_in_vain(folder, config)


def asked_in_vain(folder: Path, config: Config) -> list[str]:
    """What boards ask for that does not exist, also boards of the user's own in the same folder.

    Args:
        folder: The export.
        config: The user's own labels.

    Raises:
        OSError: If a file cannot be read.
    """
    boards = sorted((folder / _BOARDS).glob('*.json'))
    return [f'{_BOARDS}/{path.name} {said}' for path in boards for said in _asked_in_vain(_read(path), config)]


def _different(file: Path, path: str, ours: str) -> Iterator[str]:
    if not file.exists():
        yield f'{path} is missing'
        return
    theirs = _read(file)
    if theirs == ours:
        return
    told = _board_changes(ours, theirs) if path.startswith(f'{_BOARDS}/') else _line_changes(ours, theirs)
    if told:
        yield f'{path} differs: {told}'


def _asked_in_vain(board: str, config: Config) -> list[str]:
    try:
        return [f'asks for what does not exist: {stranger}' for stranger in strangers(board, config)]
    except ValueError:
        return ['is no JSON']


def _line_changes(ours: str, theirs: str) -> str:
    changes = difflib.SequenceMatcher(None, ours.splitlines(), theirs.splitlines(), autojunk=False).get_opcodes()
    changed = [(end - begin, to - since, since + 1) for kind, begin, end, since, to in changes if kind != 'equal']
    if not changed:
        return ''
    removed, added = sum(gone for gone, _, _ in changed), sum(new for _, new, _ in changed)
    first = changed[0][2]
    gone = f'{removed} {"line is" if removed == 1 else "lines are"} gone'
    return f'{gone} and {added} {"is" if added == 1 else "are"} new, from line {first} on'


def _board_changes(ours: str, theirs: str) -> str:
    """Which panels differ in what they ask for or judge by; nothing where Grafana only wrote the file its own way."""
    try:
        here, there = _panels(json.loads(ours)), _panels(json.loads(theirs))
    except (ValueError, KeyError, TypeError, AttributeError):
        return 'it is no board'
    missing = [f'{title!r} is missing' for title in here if title not in there]
    new = [f'{title!r} is new' for title in there if title not in here]
    changed = [
        f'{title!r} has another {" and ".join(each for each in what if what[each] != there[title][each])}'
        for title, what in here.items()
        if title in there and what != there[title]
    ]
    return ', '.join([*missing, *new, *changed])


def _panels(board: Json) -> dict[str, dict[str, object]]:
    return {str(panel['title']): _asked(panel) for panel in _flat(cast('list[Json]', board['panels']))}


def _flat(panels: list[Json]) -> Iterator[Json]:
    for panel in panels:
        if panel['type'] == 'row':
            yield from _flat(cast('list[Json]', panel.get('panels', [])))
        else:
            yield panel


def _asked(panel: Json) -> dict[str, object]:
    targets = cast('list[Json]', panel.get('targets', []))
    field = cast('Json', cast('Json', panel.get('fieldConfig', {})).get('defaults', {}))
    return {
        'kind': panel['type'],
        'query': [target.get('expr') for target in targets],
        'threshold': field.get('thresholds'),
        'unit': field.get('unit'),
    }


def _read(path: Path) -> str:
    with open_to_read(path) as file:
        return file.read().decode('utf-8', errors='replace')
