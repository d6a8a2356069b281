"""What the boards ask of a Prometheus that scrapes many processes.

`python -m tools.fleet_boards --processes 1000` starts a real one and fake processes whose numbers grow, waits, and times
each query of each board over all of that time: with `PYTHONPATH=tests:.`, and a Prometheus 3 given by `--prometheus`.
The time of a query grows with the samples that it reads, so a day is as many scrapes as a day has.
`--recorded 30s` has the rules that record growth, and boards that read their records.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import generate_latest

from bench.many_machines import Target, own_metrics
from bench.scrape import Deployment, observe, registered
from streamtap._dashboards.config import Config
from streamtap._dashboards.export import write
from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.promql import durations
from streamtap._dashboards.rules.groups import rule_files
from streamtap._sinks.prometheus.protobuf_exposition import CONTENT_TYPE, exposition
from support import boards
from support.real_servers import free_port

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Not through a proxy of the environment."""

POINTS = 600
"""How many points a panel asks for: about the pixels that it is wide."""

TIMEOUT = 150
"""Seconds after which no answer comes any more: Prometheus itself gives up after 120."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How long a query of a board took, in seconds, or why it was not answered."""

    board: str
    panel: str
    seconds: float
    why_not: str | None


def configuration(address: str, processes: int, every: float, rules: Path, *, is_native: bool) -> str:
    """The configuration of a Prometheus, which is JSON, and so YAML."""
    groups = [{'targets': [address], 'labels': {'instance': f'process-{number}'}} for number in range(processes)]
    job: dict[str, object] = {'job_name': 'agents', 'static_configs': groups}
    if is_native:
        job['scrape_protocols'] = ['PrometheusProto']
    return json.dumps(
        {
            'global': {'scrape_interval': f'{every:g}s', 'scrape_timeout': f'{every:g}s'},
            'rule_files': [f'{rules}'],
            'scrape_configs': [job],
        }
    )


def ask(port: int, path: Path, seconds: float) -> list[Answered]:
    """Ask what a board asks when it is opened for the last so many seconds.

    Args:
        port: Where Prometheus is.
        path: The board's file.
        seconds: The board's range.
    """
    board, now = boards.read(path), time.time()
    found: list[Answered] = []
    for panel in boards.panels(board):
        for target in panel['targets']:
            if target.get('instant'):
                asked = {'query': boards.filled_in(target['expr'], board, seconds), 'time': f'{now}'}
                way = 'query'
            else:
                pace = durations.seconds(target['interval'])
                step = max(pace, seconds / POINTS)
                window = max(step + pace, 4 * pace)
                between = {'start': f'{now - seconds}', 'end': f'{now}', 'step': f'{step}'}
                asked, way = {'query': boards.filled_in(target['expr'], board, window), **between}, 'query_range'
            found.append(answered(path.stem, panel['title'], f'http://127.0.0.1:{port}/api/v1/{way}', asked))
    return found


def answered(board: str, panel: str, url: str, asked: dict[str, str]) -> Answered:
    """Ask one query."""
    began, why_not = time.perf_counter(), None
    try:
        OPENER.open(url, urllib.parse.urlencode(asked).encode(), timeout=TIMEOUT).read()
    except urllib.error.HTTPError as error:
        why_not = error.read().decode()[:160]
    except OSError as error:
        why_not = str(error)
    return Answered(board, panel, time.perf_counter() - began, why_not)


def evaluations(port: int) -> list[float]:
    """How many seconds the last evaluation of each group of rules took, the longest last."""
    with OPENER.open(f'http://127.0.0.1:{port}/api/v1/rules') as answer:
        groups = json.load(answer)['data']['groups']
    return sorted(group['evaluationTime'] for group in groups)


def main() -> None:
    """Measure, and print a row for each board."""
    parser = argparse.ArgumentParser(prog='python -m tools.fleet_boards', description=__doc__)
    parser.add_argument('--prometheus', default='prometheus', help='the program')
    parser.add_argument('--processes', type=int, default=1000)
    parser.add_argument('--agents', type=int, default=10, help='of each process, with 2 models and 5 tools each')
    parser.add_argument('--every', type=int, default=15, help='seconds between two scrapes')
    parser.add_argument('--scrapes', type=int, default=20, help='how many there are before the boards ask')
    parser.add_argument('--recorded', default='', metavar='EVERY', help='record growth so often, and ask for records')
    parser.add_argument('--text', action='store_true', help='classic histograms, as text')
    asked = parser.parse_args()
    config = Config(scrape_seconds=asked.every, recorded_every=asked.recorded)
    deployment = Deployment(asked.agents, 2, 5)
    sink, registry, tap = registered('both' if asked.text else 'native')
    observe(sink, deployment)
    process = Target(generate_latest(registry)) if asked.text else Target(exposition(registry), CONTENT_TYPE)
    threading.Thread(target=process.serve_forever, daemon=True).start()
    port = free_port()
    with tap, tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write({**grafana_files(config), **rule_files(config)}, place)
        rules = place / 'prometheus' / 'boards.yaml'
        address = f'127.0.0.1:{process.server_port}'
        (place / 'prometheus.yml').write_text(
            configuration(address, asked.processes, asked.every, rules, is_native=not asked.text), encoding='utf-8'
        )
        server = subprocess.Popen(
            [
                asked.prometheus,
                f'--config.file={place / "prometheus.yml"}',
                f'--storage.tsdb.path={place / "data"}',
                f'--web.listen-address=127.0.0.1:{port}',
                '--enable-feature=native-histograms',
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(2 * asked.every)
            before, began = own_metrics(port) or {}, time.monotonic()
            while time.monotonic() - began < asked.every * asked.scrapes:
                time.sleep(asked.every)
                observe(sink, deployment)
                process.show(generate_latest(registry) if asked.text else exposition(registry))
            own = own_metrics(port) or {}
            seconds = time.monotonic() - began
            print(
                f'{asked.processes} processes, {own["prometheus_tsdb_head_series"]:,.0f} series, '
                f'{own["process_resident_memory_bytes"] / 1e9:.2f} GB, '
                f'{(own["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) / seconds:.2f} cores, '
                f'a scrape of {process.size / 1e3:,.0f} kB ({len(process.body) / 1e3:,.1f} compressed)',
                flush=True,
            )
            if asked.recorded:
                took = evaluations(port)
                print(f'{sum(took):.2f} s to record, {took[-1]:.2f} s the group that takes longest')
            for path in sorted((place / 'grafana').iterdir()):
                found = ask(port, path, seconds)
                slowest = max(found, key=lambda each: each.seconds)
                failed = [each for each in found if each.why_not is not None]
                print(
                    f'{path.stem:10} {len(found)} queries, {sum(each.seconds for each in found):.1f} s in all, '
                    f'slowest {slowest.seconds:.2f} s ({slowest.panel}), {len(failed)} not answered',
                    flush=True,
                )
                for each in failed[:3]:
                    print(f'    {each.panel}: {each.why_not}')
            own = own_metrics(port) or {}
            print(f'{own["process_resident_memory_bytes"] / 1e9:.2f} GB after the queries')
        finally:
            server.terminate()
            server.wait(60)
            process.shutdown()


if __name__ == '__main__':
    main()
