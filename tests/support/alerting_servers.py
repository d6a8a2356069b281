"""A Prometheus with the project's rules and an Alertmanager, in a hurry: what takes hours takes seconds."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from streamtap._dashboards.config import CONFIG, Burn, Config
from streamtap._dashboards.export import write
from streamtap._dashboards.rules.groups import rule_files
from support.real_servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

HURRIED: Config = replace(
    CONFIG,
    interval='1s',
    slow_interval='1s',
    window='20s',
    pending='0s',
    min_failures=2,
    burns=(Burn('Fast', long='20s', short='10s', factor=14.4, pending='0s', severity='critical'),),
    min_runs=2,
)
"""The same thresholds over short windows."""


@dataclass(frozen=True)
class Servers:
    """The running servers."""

    prometheus: str
    alertmanager: str

    def alerts(self) -> list[dict[str, dict[str, str]]]:
        """What Alertmanager was told of."""
        return self._get(f'{self.alertmanager}/api/v2/alerts')

    def rules(self) -> dict[str, str]:
        """The name of each rule, and how it is: `ok`, `err`, or `unknown` before it was evaluated."""
        groups = self._get(f'{self.prometheus}/api/v1/rules')['data']['groups']
        return {rule['name']: rule['health'] for group in groups for rule in group['rules']}

    def _get(self, url: str) -> Any:
        # Not through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def serving(prometheus: str, alertmanager: str, target: str, folder: Path) -> Generator[Servers]:
    """Both servers on loopback, scraping one target each second, until the end of the block.

    Args:
        prometheus: The path of Prometheus.
        alertmanager: The path of Alertmanager.
        target: Host and port of `/metrics`.
        folder: Where everything may be kept.
    """
    ours, theirs = (f'127.0.0.1:{free_port()}' for _ in range(2))
    write(rule_files(HURRIED), folder)
    scrape = {'job_name': 'demo', 'static_configs': [{'targets': [target]}]}
    config = {
        'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'},
        'rule_files': [str(folder / 'prometheus' / '*.yaml')],
        'scrape_configs': [scrape],
        'alerting': {'alertmanagers': [{'static_configs': [{'targets': [theirs]}]}]},
    }
    (folder / 'prometheus.yml').write_text(yaml.safe_dump(config), encoding='utf-8')
    (folder / 'alertmanager.yml').write_text(
        yaml.safe_dump({'route': {'receiver': 'nobody'}, 'receivers': [{'name': 'nobody'}]}), encoding='utf-8'
    )
    with contextlib.ExitStack() as stack:
        for name, address, command in (
            (
                'alertmanager',
                theirs,
                [alertmanager, f'--config.file={folder / "alertmanager.yml"}', f'--storage.path={folder / "alerts"}',
                 f'--web.listen-address={theirs}', '--cluster.listen-address='],
            ),
            (
                'prometheus',
                ours,
                [prometheus, f'--config.file={folder / "prometheus.yml"}', f'--storage.tsdb.path={folder / "series"}',
                 f'--web.listen-address={ours}'],
            ),
        ):  # fmt: skip
            stack.enter_context(running(command, int(address.rpartition(':')[2]), folder / f'{name}.log'))
        yield Servers(f'http://{ours}', f'http://{theirs}')
