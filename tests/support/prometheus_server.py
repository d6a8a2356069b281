"""A real Prometheus, which scrapes one target each second or takes what it is sent, and answers queries."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus.

    Args:
        url: Where it is.
    """

    url: str

    def ask(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The value of each series that a query answers, by its labels, without those that a scrape adds."""
        answer = self.get('query', query=query)['result']
        return {
            tuple(sorted(pair for pair in each['metric'].items() if pair[0] not in ('job', 'instance'))): float(
                each['value'][1]
            )
            for each in answer
            if 'value' in each
        }

    def get(self, way: str, **parameters: str) -> Any:
        """What its API answers."""
        # Not through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        asked = urllib.parse.urlencode(parameters)
        with opener.open(f'{self.url}/api/v1/{way}?{asked}', timeout=10) as answer:
            return json.load(answer)['data']

    def is_ready(self) -> bool | None:
        """Whether it answers yet; `None` if not."""
        try:
            return self.get('query', query='1') is not None
        except urllib.error.HTTPError:
            return None

    def scrape_now(self) -> None:
        """Wait until it has scraped what the target shows now: a scrape that is under way may have begun before.

        Raises:
            AssertionError: If it does not take what the target shows.
        """
        seen = {self._last_scrape()}

        def has_scraped_twice() -> bool | None:
            seen.add(self._last_scrape())
            return len(seen) > 2 or None

        wait_for(has_scraped_twice, 'two more scrapes')

    def _last_scrape(self) -> str:
        def look() -> dict[str, str] | None:
            targets = self.get('targets')['activeTargets']
            return targets[0] if targets and targets[0]['health'] != 'unknown' else None

        target = wait_for(look, 'the first scrape')
        assert target['lastError'] == ''
        return target['lastScrape']


@contextlib.contextmanager
def scraping(
    program: str, target: str, folder: Path, *, features: Sequence[str] = (), **scrape: object
) -> Generator[Prometheus]:
    """Prometheus on loopback until the end of the block.

    Args:
        program: The path of Prometheus.
        target: Host and port of `/metrics`.
        folder: Where everything may be kept.
        features: What to enable.
        scrape: More of the scrape's configuration.
    """
    settings: Mapping[str, object] = {
        'global': {'scrape_interval': '1s'},
        'scrape_configs': [{'job_name': 'app', 'static_configs': [{'targets': [target]}], **scrape}],
    }
    with serving(program, folder, settings, features=features) as prometheus:
        yield prometheus


@contextlib.contextmanager
def serving(
    program: str, folder: Path, settings: Mapping[str, object], *options: str, features: Sequence[str] = ()
) -> Generator[Prometheus]:
    """Prometheus on loopback until the end of the block.

    Args:
        program: The path of Prometheus.
        folder: Where everything may be kept.
        settings: Its configuration.
        options: More of its command line.
        features: What to enable.
    """
    address = f'127.0.0.1:{free_port()}'
    folder.mkdir(exist_ok=True)
    (folder / 'prometheus.yml').write_text(yaml.safe_dump(settings), encoding='utf-8')
    command = [
        program,
        f'--config.file={folder / "prometheus.yml"}',
        f'--storage.tsdb.path={folder / "series"}',
        f'--web.listen-address={address}',
        *([f'--enable-feature={",".join(features)}'] if features else []),
        *options,
    ]
    with running(command, int(address.rpartition(':')[2]), folder / 'prometheus.log'):
        prometheus = Prometheus(f'http://{address}')
        wait_for(prometheus.is_ready, 'Prometheus')
        yield prometheus
