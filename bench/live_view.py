"""What the live view costs the tapped process: its threads while somebody looks or nobody does, and its sink.

In whole runs the difference drowns in what Pydantic AI itself takes for them, so the parts are measured by themselves.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import multiprocessing
import statistics
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from bench.workloads import Chunks
from streamtap import BaseSink, PrometheusSink, Tap, UsageSink, serve
from streamtap._web.live_view import LiveView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap import ResponseRecord, RunRecord, RunStart


def look(port: int) -> None:
    """Be a viewer, in a process of its own."""
    connection = http.client.HTTPConnection('127.0.0.1', port)
    connection.request('GET', '/events')
    stream = connection.getresponse()
    while stream.read1(1 << 20):
        pass


async def steady(agent: Agent[None, str], rate: float, seconds: float) -> None:
    """Start runs at a steady rate."""
    began, number = time.monotonic(), 0
    tasks: set[asyncio.Task[object]] = set()
    while (now := time.monotonic() - began) < seconds:
        while number < now * rate:
            number += 1
            task: asyncio.Task[object] = asyncio.create_task(agent.run('hello'))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)


def tapped(tap: Tap) -> Agent[None, str]:
    """An agent of one small streamed response."""
    return Agent(
        FunctionModel(stream_function=Chunks(3).stream), name='bench', capabilities=[tap.capability(stream=True)]
    )


def beside_the_runs(tap: Tap, rate: float, seconds: float) -> float:
    """Per cent of a core that threads other than that of the runs used."""
    whole, mine, began = time.process_time(), time.thread_time(), time.monotonic()
    asyncio.run(steady(tapped(tap), rate, seconds))
    used = time.process_time() - whole - (time.thread_time() - mine)
    return 100 * used / (time.monotonic() - began)


class Kept(BaseSink):
    """The records of some runs."""

    inline = True

    def __init__(self) -> None:
        self.runs: list[tuple[RunStart, ResponseRecord, RunRecord]] = []

    def run_started(self, start: RunStart) -> None:
        """Keep it."""
        self._start = start

    def response_ended(self, record: ResponseRecord) -> None:
        """Keep it."""
        self._response = record

    def run_ended(self, record: RunRecord) -> None:
        """Keep it."""
        self.runs.append((self._start, self._response, record))


def sink_microseconds(runs: Sequence[tuple[RunStart, ResponseRecord, RunRecord]]) -> float:
    """What the sink takes for a run that nobody looks at."""
    view = LiveView()
    began = time.thread_time()
    for start, response, run in runs:
        view.run_started(start)
        view.response_ended(response)
        view.run_ended(run)
    return 1e6 * (time.thread_time() - began) / len(runs)


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, default=50.0, help='runs per second (%(default)s)')
    parser.add_argument('--seconds', type=float, default=10.0, help='of each round (%(default)s)')
    parser.add_argument('--rounds', type=int, default=5)
    arguments = parser.parse_args()
    alone: list[float] = []
    looked: list[float] = []
    for _ in range(arguments.rounds):
        tap = Tap([PrometheusSink(CollectorRegistry()), UsageSink()])
        with serve(tap, port=0, registry=CollectorRegistry()) as server:
            alone.append(beside_the_runs(tap, arguments.rate, arguments.seconds))
            viewer = multiprocessing.get_context('spawn').Process(target=look, args=(server.port,), daemon=True)
            viewer.start()
            time.sleep(3)
            looked.append(beside_the_runs(tap, arguments.rate, arguments.seconds))
            viewer.terminate()
        print(f'threads: {alone[-1]:.2f} % of a core unseen, {looked[-1]:.2f} % with one viewer', flush=True)
    kept = Kept()
    asyncio.run(steady(tapped(Tap([kept])), 200, 5))
    sinks = [sink_microseconds(kept.runs) for _ in range(9)]
    print(
        f'median at {arguments.rate:g} runs/s: {statistics.median(alone):.2f} % unseen, {statistics.median(looked):.2f} % with one '
        f'viewer; the sink: {statistics.median(sinks):.1f} us a run, {statistics.median(sinks) * arguments.rate / 1e4:.3f} %'
    )


if __name__ == '__main__':
    main()
