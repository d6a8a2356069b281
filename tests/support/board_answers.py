"""Whether a server has an answer to all that the boards ask."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support import boards
from support.real_servers import wait_for

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence
    from pathlib import Path

WINDOW = 30
"""How many seconds Grafana's own windows are: a moment, as the tests wait for what it is asked in."""


@dataclass(frozen=True)
class Server:
    """A server that speaks Prometheus's HTTP API."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer.

        Args:
            path: Under `/api/v1/`.
            parameters: What is asked; `match` stands for `match[]`.
        """
        asked = urllib.parse.urlencode({key.replace('match', 'match[]'): value for key, value in parameters.items()})
        # Not through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f'{self.url}/api/v1/{path}?{asked}', timeout=10) as answer:
            return json.load(answer)['data']

    def answers(self, expr: str) -> bool:
        """Whether there is a number, which 0 divided by 0 is not."""
        found = self.get('query', query=expr, nocache='1')['result']
        return any(series['value'][1] != 'NaN' for series in found)

    def values(self, series: str, label: str) -> list[str]:
        """The values of a label, as a variable asks for them."""
        return self.get(f'label/{label}/values', match=series)


def unanswered(
    server: Server, *, seconds: float, files: Sequence[Path] = boards.FILES, but: re.Pattern[str] | None = None
) -> list[str]:
    """The queries of panels and variables that never have an answer.

    Args:
        server: Who is asked.
        seconds: How long to ask again.
        files: The boards.
        but: What it is not worth waiting for.
    """
    missing: dict[str, Callable[[], object]] = {}
    for path in files:
        for asked in boards.asked(path, WINDOW):
            missing[f'{asked}: {asked.expr}'] = lambda expr=asked.expr: server.answers(expr)
        for name, expr in boards.numbers(path, WINDOW).items():
            missing[f'{path.stem}: ${name}'] = lambda expr=expr: server.answers(expr)
        for name, (series, label) in boards.label_values(path).items():
            missing[f'{path.stem}: ${name}'] = lambda series=series, label=label: server.values(series, label)

    def all_answered() -> bool | None:
        for name in [name for name, ask in missing.items() if ask()]:
            del missing[name]
        return all(but and but.fullmatch(name) for name in missing) or None

    with contextlib.suppress(TimeoutError):
        wait_for(all_answered, 'an answer to every query', seconds=seconds, pause=1.0)
    return list(missing)
