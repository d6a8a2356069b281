"""A VictoriaMetrics of the test's own: a real receiver of OTLP metrics."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.real_servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

NOT_OURS = ('scope_', 'service_', 'telemetry_')
"""What the receiver adds to every series."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series with its last value."""

    name: str
    labels: frozenset[tuple[str, str]]
    value: float


@dataclass(frozen=True, slots=True)
class VictoriaMetrics:
    """A running server."""

    url: str

    @property
    def otlp(self) -> str:
        """Where metrics are pushed to."""
        return f'{self.url}/opentelemetry/v1/metrics'

    def series(self) -> set[Series]:
        """Everything that was received; new series take a moment until they can be found."""
        found: set[Series] = set()
        for _ in range(200):
            self._get('/internal/force_flush')
            lines = self._get('/api/v1/export', match='{__name__!=""}').splitlines()
            before, found = found, {_series(json.loads(line)) for line in lines}
            if found and found == before:
                break
            time.sleep(0.05)
        return found

    def _get(self, path: str, **parameters: str) -> bytes:
        asked = urllib.parse.urlencode({key.replace('match', 'match[]'): value for key, value in parameters.items()})
        with urllib.request.urlopen(f'{self.url}{path}?{asked}', timeout=10) as answer:
            return answer.read()


@contextlib.contextmanager
def serving(program: str, folder: Path) -> Generator[VictoriaMetrics]:
    """A server on loopback, until the end of the block.

    Args:
        program: The path of VictoriaMetrics.
        folder: Where it may keep what it receives.
    """
    port = free_port()
    command = [
        program,
        f'-storageDataPath={folder / "data"}',
        f'-httpListenAddr=127.0.0.1:{port}',
        '-search.latencyOffset=1s',
        '-opentelemetry.usePrometheusNaming',
    ]
    with running(command, port, folder / 'log'):
        yield VictoriaMetrics(f'http://127.0.0.1:{port}')


def _series(line: dict[str, dict[str, str] | list[float]]) -> Series:
    metric, values = line['metric'], line['values']
    assert isinstance(metric, dict)
    assert isinstance(values, list)
    labels = {key: value for key, value in metric.items() if key != '__name__' and not key.startswith(NOT_OURS)}
    if 'le' in labels:
        labels['le'] = str(float(labels['le']))
    return Series(metric['__name__'], frozenset(labels.items()), values[-1])
