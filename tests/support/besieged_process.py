"""An application that minds its own business while others attack the port that it is watched through.

It makes connections of its own to a provider, and measures how late its loop is. Each line on its standard input is an
order: `measure` begins a window, `report` prints what happened in it as JSON, `close` closes what is served and prints
what is left of it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily

from streamtap import PrometheusSink, Tap, live_app, metrics_app, serve
from support.made_records import response, run, run_start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from prometheus_client import Metric

    Close = Callable[[], object]

DESCRIPTORS = 256
"""What the system allows it to have open."""

SERIES = 10_000
CALLS = 4
"""How many connections it makes at a time."""

PATIENCE = 3.0
"""Seconds after which a call of the application has failed."""

TICK = 0.005

NOTHING = '/nothing'
"""Where the application itself answers, to see what its own server does to it."""


class ManySeries:
    """What makes a scrape large."""

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        family = CounterMetricFamily('application', 'What an application counts by itself.', labels=['tenant', 'place'])
        for number in range(SERIES):
            family.add_metric([f'tenant-{number}', 'somewhere-with-a-name-of-some-length'], 1.0)
        return [family]


class Application:
    """What it does, and how well that goes.

    Args:
        provider: The port of the provider.
    """

    def __init__(self, provider: int) -> None:
        self._provider = provider
        self.is_over = False
        self.begin()

    def begin(self) -> None:
        """Begin to measure."""
        self.calls, self.failed, self.longest = 0, 0, 0.0
        self.lags: list[float] = []

    async def call(self) -> None:
        """Ask the provider, again and again; a call has its own look-up of the provider's name."""
        while not self.is_over:
            began = time.monotonic()
            try:
                await asyncio.wait_for(self._ask(), PATIENCE)
            except (OSError, asyncio.TimeoutError):
                self.failed += 1
            self.calls += 1
            self.longest = max(self.longest, time.monotonic() - began)
            await asyncio.sleep(0.02)

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_connection('localhost', self._provider, family=2)
        try:
            writer.write(b'hello\n')
            if await reader.readline() != b'hello\n':
                raise OSError('no answer')
        finally:
            writer.close()

    async def watch_the_loop(self) -> None:
        """Note how late a timer is."""
        while not self.is_over:
            asked = time.perf_counter()
            await asyncio.sleep(TICK)
            self.lags.append(time.perf_counter() - asked - TICK)

    def report(self) -> dict[str, Any]:
        """What happened since it began."""
        lags = sorted(self.lags)
        return {
            'calls': self.calls,
            'failed': self.failed,
            'longest': self.longest,
            'lag': lags[len(lags) * 9 // 10],
            'peak': peak_memory(),
        }


def peak_memory() -> float:
    """MiB that the process had in memory at most, so far."""
    (line,) = (line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))
    return int(line.split()[1]) / 1024


def tapped() -> tuple[Tap, CollectorRegistry]:
    """A tap, and the registry of its metrics, in which are many others."""
    registry = CollectorRegistry()
    registry.register(ManySeries())
    return Tap([PrometheusSink(registry)]), registry


def with_runs(tap: Tap) -> Tap:
    """The tap after so many long runs that a viewer's first event is large."""
    for sink in tap.sinks:
        for number in range(200):
            sink.run_started(run_start(f'run-{number}'))
            for _ in range(100):
                sink.response_ended(response(run_id=f'run-{number}'))
            sink.run_ended(run(run_id=f'run-{number}'))
    return tap


async def by_serve() -> tuple[int, Close]:
    """By `serve()`."""
    tap, _ = tapped()
    server = serve(tap, port=0)
    with_runs(tap)
    return server.port, server.close


async def by_uvicorn(app: Any) -> tuple[int, Close]:
    """By the application's own server, which also has a path with nothing of ours."""
    import uvicorn

    async def routes(scope: Any, receive: Any, send: Any) -> None:
        if scope['path'] != NOTHING:
            await app(scope, receive, send)
            return
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'0')]})
        await send({'type': 'http.response.body', 'body': b''})

    server = uvicorn.Server(uvicorn.Config(routes, port=0, log_level='error', lifespan='off', access_log=False))
    task = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]

    async def close() -> None:
        server.should_exit = True
        await asyncio.wait_for(task, 5)

    return port, close


async def by_metrics_app() -> tuple[int, Close]:
    """By `metrics_app()`, mounted in an application of its own."""
    return await by_uvicorn(metrics_app(tapped()[1]))


async def by_live_app() -> tuple[int, Close]:
    """By `live_app()`, mounted in an application of its own."""
    tap, _ = tapped()
    app = live_app(tap)
    with_runs(tap)
    return await by_uvicorn(app)


SERVED = {'serve': by_serve, 'metrics_app': by_metrics_app, 'live_app': by_live_app}


async def orders() -> AsyncIterator[str]:
    """The lines of the standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip()


def say(what: object) -> None:
    """Print it as a line of JSON."""
    print(json.dumps(what), flush=True)


async def main(served: str, provider: int) -> None:
    """Be the application, until it is told to close.

    Args:
        served: How it is served.
        provider: The port of the provider.
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    await asyncio.get_running_loop().getaddrinfo('localhost', provider)
    before = {thread.name for thread in threading.enumerate()}
    port, close = await SERVED[served]()
    application = Application(provider)
    tasks = [asyncio.ensure_future(application.call()) for _ in range(CALLS)]
    tasks.append(asyncio.ensure_future(application.watch_the_loop()))
    say(port)
    async for order in orders():
        if order == 'measure':
            application.begin()
            say(None)
        elif order == 'report':
            say(application.report())
        else:
            break
    application.is_over = True
    await asyncio.gather(*tasks)
    began = time.monotonic()
    if inspect.isawaitable(closing := close()):
        await closing
    took = time.monotonic() - began
    left = {thread.name for thread in threading.enumerate()} - before
    say({'took': took, 'threads': sorted(name for name in left if not name.startswith('asyncio'))})


if __name__ == '__main__':
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
