"""How much a thousand processes are to a Prometheus: a real one scrapes as many as fit here, and the rest is extrapolated.

`python -m bench.many_machines`: needs `prometheus` on the path, and about two minutes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench.report import machine
from bench.scrape import Deployment, filled, samples

PROCESSES = 1000
SCRAPE_EVERY = 5
SCRAPES = 4
"""Scrapes of every target before the memory is read."""

SCRAPED = Deployment(agents=10, models=2, tools=5)
"""Of one fake target."""

SHAPES = {
    'every agent uses 2 of 20 models, 5 of 100 tools': Deployment(50, 2, 5),
    'every agent uses 5 of 20 models, 20 of 100 tools': Deployment(50, 5, 20),
    'every agent uses all of them': Deployment(50, 20, 100),
}


@dataclass(frozen=True, slots=True)
class Load:
    """What a Prometheus took for what it scraped.

    Args:
        targets: How many processes it scraped.
        series: How many series it held.
        resident: Its memory, in bytes.
        cpu: Its CPU seconds for each second, while it scraped every five seconds.
    """

    targets: int
    series: int
    resident: int
    cpu: float


class Target(ThreadingHTTPServer):
    """Answers every scrape with the same exposition, compressed.

    Args:
        shown: The exposition.
        kind: Its content type.
    """

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, shown: bytes, kind: str = 'text/plain; version=0.0.4; charset=utf-8') -> None:
        self.kind = kind
        self.show(shown)
        super().__init__(('127.0.0.1', 0), _Answer)

    def show(self, shown: bytes) -> None:
        """Answer with another exposition from now on."""
        self.size = len(shown)
        self.body = gzip.compress(shown, 6)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:
        target = cast('Target', self.server)
        body = target.body
        self.send_response(200)
        self.send_header('Content-Type', target.kind)
        self.send_header('Content-Encoding', 'gzip')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the base class)
        pass


def scraped(program: str, address: str, targets: int, series: int) -> Load:
    """What a new Prometheus takes to scrape that many targets, which differ by their `instance` only."""
    with tempfile.TemporaryDirectory() as directory, socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
        probe.close()
        groups = [{'targets': [address], 'labels': {'instance': f'process-{number}'}} for number in range(targets)]
        config = {
            'global': {'scrape_interval': f'{SCRAPE_EVERY}s'},
            'scrape_configs': [{'job_name': 'agents', 'static_configs': groups}],
        }
        place = Path(directory)
        # JSON is YAML.
        (place / 'prometheus.yml').write_text(json.dumps(config), encoding='utf-8')
        server = subprocess.Popen(
            [
                program,
                f'--config.file={place / "prometheus.yml"}',
                f'--storage.tsdb.path={place / "data"}',
                f'--web.listen-address=127.0.0.1:{port}',
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + 120
            own = {'prometheus_tsdb_head_series': 0.0}
            while own['prometheus_tsdb_head_series'] < targets * series:
                if time.monotonic() > until or server.poll() is not None:
                    raise RuntimeError(f'Prometheus did not hold {targets * series} series: {own}')
                time.sleep(0.5)
                own = own_metrics(port) or own
            before, began = own['process_cpu_seconds_total'], time.monotonic()
            time.sleep(SCRAPE_EVERY * SCRAPES)
            own = own_metrics(port) or own
            return Load(
                targets,
                int(own['prometheus_tsdb_head_series']),
                int(own['process_resident_memory_bytes']),
                (own['process_cpu_seconds_total'] - before) / (time.monotonic() - began),
            )
        finally:
            server.terminate()
            server.wait(60)


def own_metrics(port: int) -> dict[str, float] | None:
    """What Prometheus says of itself, as soon as it answers."""
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=30) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    families = text_string_to_metric_families(text)
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def per_series(loads: list[Load]) -> float:
    """Bytes of memory that each series more takes: the slope from the smallest load to the largest."""
    return (loads[-1].resident - loads[0].resident) / (loads[-1].series - loads[0].series)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog='python -m bench.many_machines', description=__doc__)
    parser.add_argument('--targets', type=int, nargs='+', default=[20, 40, 80], help='how many processes to scrape')
    options = parser.parse_args()
    program = shutil.which('prometheus')
    if program is None:
        parser.error('there is no prometheus on the path')
    registry, tap = filled(SCRAPED)
    with tap:
        text, series = generate_latest(registry), samples(registry)
    target = Target(text)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    loads = [scraped(program, f'127.0.0.1:{target.server_port}', count, series) for count in sorted(options.targets)]
    target.shutdown()
    print(f'| processes of {series:,} series | series | Prometheus, MB | CPU, cores |\n|---:|---:|---:|---:|')
    for load in loads:
        print(f'| {load.targets} | {load.series:,} | {load.resident / 1e6:,.0f} | {load.cpu:.2f} |')
    each = per_series(loads)
    print(f'\nEach series more: {each:,.0f} bytes, scraped every {SCRAPE_EVERY} s, values that stand still.\n')
    print(f'| 50 agents, {PROCESSES:,} processes | series of one | scrape of one, MB | compressed, MB |', end='')
    print(' series of all | Prometheus, GB (extrapolated) |\n|---|---:|---:|---:|---:|---:|')
    for shape, deployment in SHAPES.items():
        registry, tap = filled(deployment)
        with tap:
            text, series = generate_latest(registry), samples(registry)
        sizes = f'{len(text) / 1e6:.1f} | {len(gzip.compress(text, 6)) / 1e6:.2f}'
        print(
            f'| {shape} | {series:,} | {sizes} | {series * PROCESSES:,} | {series * PROCESSES * each / 1e9:,.0f} |',
            flush=True,
        )
    print(
        f'\n{subprocess.run([program, "--version"], capture_output=True, text=True).stdout.splitlines()[0]}; {machine()}'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
