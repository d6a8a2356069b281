"""A VictoriaMetrics of the test's own: a real receiver of OTLP metrics."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def query(self, promql: str) -> list[float]:
        """The values of an instant query."""
        self._get('/internal/force_flush')
        answer = json.loads(self._get('/api/v1/query', query=promql, nocache='1'))
        return [float(row['value'][1]) for row in answer['data']['result']]

    def _get(self, path: str, **parameters: str) -> bytes:
        asked = urllib.parse.urlencode({key.replace('match', 'match[]'): value for key, value in parameters.items()})
        with urllib.request.urlopen(f'{self.url}{path}?{asked}', timeout=10) as answer:
            return answer.read()


@contextlib.contextmanager
def running(program: Path, folder: Path) -> Generator[VictoriaMetrics]:
    """A server on loopback, until the end of the block."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    log = (folder / 'log').open('w')
    server = subprocess.Popen(
        [
            program,
            f'-storageDataPath={folder / "data"}',
            f'-httpListenAddr={address}',
            '-search.latencyOffset=1s',
            '-opentelemetry.usePrometheusNaming',
        ],
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(f'http://{address}/health', server)
        yield VictoriaMetrics(f'http://{address}')
    finally:
        server.kill()
        server.wait()
        log.close()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert server.poll() is None, 'the server ended'
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.025)
    raise AssertionError('the server does not answer')


def _series(line: dict[str, dict[str, str] | list[float]]) -> Series:
    metric, values = line['metric'], line['values']
    assert isinstance(metric, dict)
    assert isinstance(values, list)
    labels = {key: value for key, value in metric.items() if key != '__name__' and not key.startswith(NOT_OURS)}
    if 'le' in labels:
        labels['le'] = str(float(labels['le']))
    return Series(metric['__name__'], frozenset(labels.items()), values[-1])
