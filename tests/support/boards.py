"""The boards as Grafana would read them: panels, queries, variables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def variables(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Its variables by name."""
    return {variable['name']: variable for variable in board['templating']['list']}


def filled_in(text: str, board: Mapping[str, Any], window: str = '1m') -> str:
    """A query with all variables at what they are at first.

    Args:
        text: The query.
        board: Its board.
        window: What Grafana's own windows are.
    """
    values = {
        name: variable.get('allValue') or variable.get('current', {}).get('value', '')
        for name, variable in variables(board).items()
    }
    values |= {'__rate_interval': window, '__range': window}
    return re.sub(r'\$\{?(\w+)\}?', lambda found: values[found[1]], text)


def asked(path: Path, window: str = '1m') -> list[Asked]:
    """Every query of a board's panels, as Prometheus gets it.

    Args:
        path: The board's file.
        window: What Grafana's own windows are.
    """
    board = read(path)
    return [
        Asked(path.stem, panel['title'], filled_in(target['expr'], board, window))
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
