"""Boards that read records beside boards that read each process's series, and what was counted, on a real Prometheus 3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from streamtap import PrometheusSink, Tap, serve
from streamtap._dashboards.config import Config
from streamtap._dashboards.export import write
from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.rules.groups import rule_files
from support import boards
from support.made_records import give_everything
from support.prometheus_server import Prometheus, serving
from support.real_servers import free_port, wait_for
from support.required import SERVERS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

RUNS = 'pydantic_ai_runs_total'
RANGE = 150
"""Seconds that boards are asked for: more than the test takes."""

Answer = dict[tuple[tuple[str, str], ...], float]


@dataclass(frozen=True)
class Process:
    """A process that is scraped, and what scrapes it.

    Args:
        port: Where it serves its metrics, as will the one that takes its place.
        prometheus: The server.
    """

    port: int
    prometheus: Prometheus

    def lives(self, first: int, then: int) -> None:
        """Everything happens so many times until it is recorded, then more often until it is scraped, and the process ends."""
        sink = PrometheusSink(CollectorRegistry())
        with serve(Tap([sink]), port=self.port):
            for _ in range(first):
                give_everything(sink)
            self._waits_for(first)
            record(self.prometheus)
            for _ in range(then):
                give_everything(sink)
            self._waits_for(first + then)

    def _waits_for(self, count: int) -> None:
        asked = f'sum ({RUNS}{{instance="127.0.0.1:{self.port}"}})'
        wait_for(lambda: self.prometheus.ask(asked) == {(): count} or None, f'{count} runs')


def record(prometheus: Prometheus) -> None:
    """Wait until all that was scraped is recorded: the rules of each subject are evaluated at a time of their own."""

    def evaluated() -> dict[str, str]:
        return {group['name']: group['lastEvaluation'] for group in prometheus.get('rules')['groups']}

    for time in ('once', 'twice'):
        before = evaluated()
        wait_for(lambda: all(now != before[name] for name, now in evaluated().items()) or None, f'all rules {time}')  # noqa: B023


def tiles(config: Config, prometheus: Prometheus) -> dict[str, list[Answer]]:
    """What each tile and each table answers for the whole range, by board and title."""
    found: dict[str, list[Answer]] = {}
    for path, text in grafana_files(config).items():
        board = json.loads(text)
        for panel in boards.panels(board):
            asked = [boards.filled_in(each['expr'], board, RANGE) for each in panel['targets'] if each['instant']]
            if asked:
                found[f'{path}: {panel["title"]}'] = [prometheus.ask(each) for each in asked]
    return found


def dots(config: Config, prometheus: Prometheus, name: str, title: str) -> list[object]:
    """The series whose exemplars a panel shows, of all of its queries."""
    board = json.loads(grafana_files(config)[f'grafana/{name}.json'])
    (panel,) = (each for each in boards.panels(board) if each['title'] == title)
    asked = [boards.filled_in(each['expr'], board, RANGE) for each in panel['targets']]
    answers = [prometheus.ask(each) for each in asked]
    assert all(len(each) == 1 for each in answers)
    return [
        series
        for each in asked
        for series in prometheus.get('query_exemplars', query=each, start='0', end='4000000000')
    ]


@pytest.mark.timeout(180)
@pytest.mark.parametrize('features', [(), ('native-histograms',)], ids=['classic', 'native'])
@pytest.mark.parametrize('each_prometheus', [SERVERS], ids=['3'], indirect=True)
def test_boards_answer_from_records_as_from_series(features: tuple[str, ...], each_prometheus: str, tmp_path: Path):
    """Processes that are replaced at the same address included; and what they count is exactly what there was."""
    series, records = Config(scrape_seconds=1), Config(scrape_seconds=1, recorded_every='5s')
    write(rule_files(records), tmp_path / 'export')
    ports = free_port(), free_port()
    job = {'job_name': 'app', 'static_configs': [{'targets': [f'127.0.0.1:{port}' for port in ports]}]}
    settings = {
        'global': {'scrape_interval': '1s'},
        'rule_files': [str(tmp_path / 'export' / 'prometheus' / 'boards.yaml')],
        'scrape_configs': [job],
    }
    with serving(
        each_prometheus, tmp_path / 'server', settings, features=('exemplar-storage', *features)
    ) as prometheus:
        Process(ports[0], prometheus).lives(1, 2)
        Process(ports[0], prometheus).lives(1, 1)
        Process(ports[1], prometheus).lives(3, 1)
        record(prometheus)
        assert dots(records, prometheus, 'models', 'Request time')
        answers, others = tiles(records, prometheus), tiles(series, prometheus)
    # To the milliseconds by which scrapes are late where a process was replaced.
    counts = {'overview.json: Runs': 9.0, 'models.json: Requests': 36.0, 'tools.json: Tool calls': 27.0}
    for title, count in counts.items():
        assert answers[f'grafana/{title}'] == [{(): pytest.approx(count, rel=0.003)}]
    for title, found in answers.items():
        for one, other in zip(found, others[title], strict=True):
            # Extrapolated at the edges, and where a process was replaced.
            assert one == pytest.approx(other, rel=0.15, nan_ok=True), title
