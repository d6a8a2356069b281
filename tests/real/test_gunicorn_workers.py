"""Four gunicorn workers under load, some of which are killed: what their `/metrics` says, beside what was written down."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import Counter as Tally
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.paths import ROOT, TESTS
from support.real_servers import free_port, running, wait_for
from support.required import missing

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SETTINGS = ROOT / 'examples' / 'gunicorn_workers' / 'settings.py'
WORKERS = 4
CLIENTS = 6

pytestmark = [
    pytest.mark.skipif(not hasattr(os, 'fork'), reason='gunicorn forks'),
    # Every worker imports everything: 20 s on two idle cores, more where others are at work.
    pytest.mark.timeout(150),
]


class Load:
    """Clients that ask all the time, each request on a connection of its own as it may then reach another worker.

    Args:
        url: Where to ask.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.answered: list[int] = []
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            self._ask_once()

    def _ask_once(self) -> None:
        try:
            self.answered.append(int(asked(self._url, '0.03')))
        except httpx.TransportError as error:
            self.lost.append(type(error).__name__)
            time.sleep(0.02)


def asked(url: str, seconds: str) -> str:
    """The answer of one run."""
    answer = httpx.get(f'{url}/run', params={'seconds': seconds}, timeout=20, trust_env=False)
    assert answer.status_code == 200
    return answer.text


class Scrape:
    """The samples of one scrape."""

    def __init__(self, url: str) -> None:
        text = httpx.get(f'{url}/metrics/', timeout=20, trust_env=False).raise_for_status().text
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def sum(self, name: str) -> float:
        """Of all series of that name."""
        return sum(sample.value for sample in self.samples if sample.name == name)

    def __getitem__(self, name: str) -> list[float]:
        """The values of all series of that name."""
        return [sample.value for sample in self.samples if sample.name == name]


def scraped(url: str) -> Scrape | None:
    """A scrape, if the worker that took it lived long enough."""
    try:
        return Scrape(url)
    except httpx.TransportError:
        return None


@contextmanager
def gunicorn(directory: Path, *options: str) -> Generator[tuple[str, Path, Path]]:
    """The workers' address, their ledger, and the folder of their numbers; they end when the block does."""
    if find_spec('uvicorn_worker') is None:
        missing('uvicorn_worker', "`pip install 'streamtap[examples]'` gives it")
    port = free_port()
    ledger, files = directory / 'ledger', directory / 'files'
    files.mkdir()
    environment = {
        **os.environ,
        'PROMETHEUS_MULTIPROC_DIR': str(files),
        'LEDGER': str(ledger),
        'PYTHONPATH': os.pathsep.join(filter(None, [str(TESTS), *sys.path])),
    }
    command = [
        *(sys.executable, '-m', 'gunicorn', '--config', str(SETTINGS), '--no-control-socket'),
        *('--workers', str(WORKERS), '--bind', f'127.0.0.1:{port}', *options, 'prefork.app:app'),
    ]
    with running(command, port, directory / 'output', env=environment, seconds=40) as server:
        try:
            yield f'http://127.0.0.1:{port}', ledger, files
        finally:
            server.terminate()
            server.wait(20)


class Written:
    """What was written down of each process, before and after the tap counted it.

    Args:
        ledger: The file.
    """

    def __init__(self, ledger: Path) -> None:
        self._counts: Tally[tuple[int, str, str]] = Tally()
        for pid, when, what, count in map(str.split, ledger.read_text(encoding='ascii').splitlines()):
            self._counts[int(pid), when, what] += int(count)

    def __call__(self, when: str, what: str, *by: int) -> int:
        """How many of something, by some processes or by all."""
        return sum(
            count for (pid, *key), count in self._counts.items() if key == [when, what] and (not by or pid in by)
        )

    def processes(self) -> set[int]:
        """Who wrote."""
        return {pid for pid, _, _ in self._counts}


@pytest.mark.parametrize('options', [(), ('--preload',)], ids=['loaded by each', 'loaded before the fork'])
def test_sums_and_gauges_are_right_while_workers_are_killed(tmp_path: Path, options: tuple[str, ...]):
    """Every run that ended is counted once, whoever died since; only what a killed worker had not ended is missing."""
    with gunicorn(tmp_path, *options) as (url, ledger, files):
        killed: list[int] = []
        with Load(url) as load:
            for kill in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
                known = wait_for(lambda: alive(load, killed), 'all workers at work', seconds=60)
                killed.append(known[0])
                os.kill(known[0], kill)
                # A connection that the dying worker took is lost, as it is for Prometheus.
                during = wait_for(lambda: scraped(url), 'a scrape that a living worker takes')
                assert during['streamtap_build_info'] == [1.0]
                # Written once a second: a client may be counted by the worker that had it then, and by its present one.
                assert 0 <= during.sum('pydantic_ai_runs_in_progress') <= 2 * CLIENTS
            wait_for(lambda: alive(load, killed), 'all workers at work again', seconds=60)
        wait_for(lambda: Scrape(url)['pydantic_ai_runs_in_progress'] == [0.0] or None, 'no run in progress')
        written, after = Written(ledger), Scrape(url)
        for what, name in (
            ('ended', 'pydantic_ai_runs_total'),
            ('ended', 'pydantic_ai_run_duration_seconds_count'),
            ('responses', 'pydantic_ai_time_to_first_token_seconds_count'),
            ('gaps', 'pydantic_ai_inter_chunk_latency_seconds_count'),
            ('tokens', 'pydantic_ai_output_tokens_total'),
        ):
            # They differ only if a kill came between a line and the count beside it.
            assert written('after', what) <= after.sum(name) <= written('before', what)
        ended = after.sum('pydantic_ai_runs_total')
        assert written('before', 'ended') - written('after', 'ended') <= 2
        # Whoever got an answer is in the sum, and what is not is what a worker had begun when SIGKILL came.
        assert len(load.answered) <= ended <= len(load.answered) + len(load.lost)
        unfinished = written('after', 'started') - written('before', 'ended')
        at_work, terminated, at_work_too = killed
        assert unfinished == written('after', 'started', at_work, at_work_too) - written(
            'before', 'ended', at_work, at_work_too
        )
        assert written('after', 'started', terminated) == written('after', 'ended', terminated)
        assert after['streamtap_build_info'] == [1.0]
        assert [file.name for file in files.glob('gauge_live*') if int(file.stem.split('_')[2]) in killed] == []


def test_what_hangs_is_seen_until_its_worker_is_killed(tmp_path: Path):
    """Stalled now, in progress and the oldest run, from the outside; then nothing is left of them."""
    with gunicorn(tmp_path) as (url, ledger, _):
        hanging = [threading.Thread(target=hang, args=(url,)) for _ in range(3)]
        for thread in hanging:
            thread.start()

        def seen() -> Scrape | None:
            scrape = Scrape(url)
            return scrape if scrape.sum('pydantic_ai_stalled_streams') == 3 else None

        scrape = wait_for(seen, 'three stalled streams')
        assert scrape['pydantic_ai_runs_in_progress'] == [3.0]
        assert scrape.sum('pydantic_ai_requests_in_progress') == 3
        assert 0.5 <= max(scrape['pydantic_ai_oldest_run_age_seconds']) < 20
        for pid in Written(ledger).processes():
            os.kill(pid, signal.SIGKILL)
        for thread in hanging:
            thread.join()
        assert asked(url, '0')
        idle = {'pydantic_ai_runs_in_progress', 'pydantic_ai_oldest_run_age_seconds', 'pydantic_ai_stalled_streams'}
        wait_for(lambda: all(not Scrape(url).sum(name) for name in idle) or None, 'gauges back at 0')
        assert Scrape(url).sum('pydantic_ai_runs_total') == 1


def hang(url: str) -> None:
    """Ask for a run that is silent for a minute; its worker will not live to answer."""
    with pytest.raises(httpx.TransportError):
        asked(url, '60')


def alive(load: Load, killed: list[int]) -> list[int] | None:
    """The processes that answer, as soon as those are all of the workers."""
    answering = set(load.answered) - set(killed)
    return sorted(answering) if len(answering) == WORKERS else None
