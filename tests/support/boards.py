"""The boards as Grafana would read them: panels, queries, variables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamtap._dashboards.grafana.deploy_time import SINCE, TWICE
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = ROOT / 'dashboards' / 'grafana'
FILES = sorted(FOLDER.glob('*.json'))


@dataclass(frozen=True)
class Asked:
    """One query of a board, and who asks it."""

    board: str
    panel: str
    expr: str

    def __str__(self) -> str:
        return f'{self.board}: {self.panel}'


def read(path: Path) -> dict[str, Any]:
    """A board."""
    return json.loads(path.read_text(encoding='utf-8'))


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that ask something, folded ones too."""
    for panel in board['panels']:
        if panel['type'] == 'row':
            yield from panel['panels']
        else:
            yield panel


def words(panel: Mapping[str, Any]) -> set[float]:
    """The values for which a panel shows words instead."""
    mappings = panel['fieldConfig']['defaults'].get('mappings', ())
    return {float(value) for mapping in mappings if mapping['type'] == 'value' for value in mapping['options']}


def variables(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Its variables by name."""
    return {variable['name']: variable for variable in board['templating']['list']}


def filled_in(text: str, board: Mapping[str, Any], seconds: float = 60, deployed: float | None = None) -> str:
    """A query with all variables at what they are at first.

    Args:
        text: The query.
        board: Its board.
        seconds: How long Grafana's own windows are.
        deployed: How many seconds ago the last deploy was; as long ago as the windows are long if not given.
    """
    values: dict[str, str] = {}
    for name, variable in variables(board).items():
        current = variable.get('current', {})
        values[name] = variable.get('allValue') or current.get('value', '')
        values[f'{name}:text'] = current.get('text', '')
    window = f'{round(seconds)}s'
    values |= {'__rate_interval': window, '__range': window}
    values |= {'__rate_interval_ms': f'{round(1000 * seconds)}', '__range_s': f'{round(seconds)}'}
    since = round(seconds if deployed is None else deployed)
    values |= {SINCE: f'{since}', TWICE: f'{2 * since}'}
    return re.sub(r'\$\{?([a-zA-Z_]\w*(?::text)?)\}?', lambda found: values[found[1]], text)


def asked(path: Path, seconds: float = 60) -> list[Asked]:
    """Every query of a board's panels, as Prometheus gets it.

    Args:
        path: The board's file.
        seconds: How long Grafana's own windows are.
    """
    board = read(path)
    return [
        Asked(path.stem, panel['title'], filled_in(target['expr'], board, seconds))
        for panel in panels(board)
        for target in panel['targets']
    ]


def label_values(path: Path) -> dict[str, tuple[str, str]]:
    """Of each variable that is asked for, the series and the label whose values it takes.

    Args:
        path: The board's file.
    """
    board = read(path)
    queries = {
        name: variable['query']['query'] for name, variable in variables(board).items() if variable['type'] == 'query'
    }
    found = {name: re.fullmatch(r'label_values\((.+), (\w+)\)', query) for name, query in queries.items()}
    return {name: (filled_in(match[1], board), match[2]) for name, match in found.items() if match is not None}


def numbers(path: Path, seconds: float = 60) -> dict[str, str]:
    """What the server is asked for each variable that is a number.

    Args:
        path: The board's file.
        seconds: How long Grafana's own windows are.
    """
    board = read(path)
    queries = {
        name: variable['query']['query'] for name, variable in variables(board).items() if variable['type'] == 'query'
    }
    found = {name: re.fullmatch(r'query_result\((.+)\)', query) for name, query in queries.items()}
    return {name: filled_in(match[1], board, seconds) for name, match in found.items() if match is not None}
