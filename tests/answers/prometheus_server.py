"""A Prometheus of the judge's own, that takes samples of any time."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.real_servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server."""

    url: str

    def query(self, expression: str, moment: float) -> list[dict[str, Any]]:
        """The vector that an expression gives at a moment.

        Args:
            expression: In PromQL.
            moment: When, in seconds since the epoch.
        """
        body = urllib.parse.urlencode({'query': expression, 'time': f'{moment:.3f}'}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f'{self.url}/api/v1/query', body, timeout=60) as answer:
            return json.load(answer)['data']['result']


@contextlib.contextmanager
def serving(program: str, folder: Path) -> Generator[Prometheus]:
    """A server on loopback that scrapes nothing, until the end of the block.

    Args:
        program: The path of Prometheus.
        folder: Where it may keep what it is told.
    """
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / 'prometheus.yml'
    config.write_text('{}', encoding='utf-8')
    command = [
        program,
        f'--config.file={config}',
        f'--storage.tsdb.path={folder / "data"}',
        f'--web.listen-address=127.0.0.1:{port}',
        '--web.enable-remote-write-receiver',
        '--enable-feature=native-histograms',
    ]
    with running(command, port, folder / 'log'):
        server = Prometheus(f'http://127.0.0.1:{port}')
        _wait_ready(server.url)
        yield server


def _wait_ready(url: str) -> None:
    from support.real_servers import wait_for

    def is_ready() -> bool | None:
        with contextlib.suppress(OSError):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f'{url}/-/ready', timeout=5) as answer:
                return answer.status == 200
        return None

    wait_for(is_ready, 'Prometheus to be ready')
