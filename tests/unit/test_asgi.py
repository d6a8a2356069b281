"""What both ASGI applications do as parts of another one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from streamtap import BaseSink, Tap, live_app, metrics_app
from streamtap import _asgi as asgi
from streamtap._http.limits import Limits
from support.made_records import response, run, run_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from streamtap.typing import AsgiApp

APPS: dict[str, Callable[[], AsgiApp]] = {
    'metrics_app': lambda: metrics_app(CollectorRegistry()),
    'live_app': lambda: live_app(Tap([BaseSink()])),
}
applications = pytest.mark.parametrize('made', APPS)

SCOPE: dict[str, Any] = {'type': 'http', 'method': 'GET', 'path': '/metrics', 'query_string': b'', 'headers': []}


class Client:
    """Whom an application answers.

    Args:
        reads: How many pieces of a body it reads before it stops to read.
    """

    def __init__(self, reads: int | None = None) -> None:
        self.reads = reads
        self.sent: list[Any] = []
        self.has_stopped = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {'type': 'http.disconnect'}

    async def send(self, message: Any) -> None:
        if self.reads is not None and len(self.sent) > self.reads:
            self.has_stopped.set()
            await self.gone.wait()
        self.sent.append(message)

    async def ask(self, app: AsgiApp, **scope: Any) -> Any:
        await app({**SCOPE, **scope}, self.receive, self.send)
        return self.sent[0]['status'], dict(self.sent[0]['headers']), b''.join(each['body'] for each in self.sent[1:])


class Big:
    """A collector of one large series."""

    calls: ClassVar[list[str]] = []

    def collect(self) -> Iterable[Metric]:
        self.calls.append(threading.current_thread().name)
        return [GaugeMetricFamily('big', 'x' * 300_000, value=1.0)]


@applications
def test_the_executor_of_the_loop_is_the_applications(made: str):
    """Its own look-ups of names would wait there."""

    class Refuses(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Any:
            raise AssertionError('the executor of the application is used')

    async def main() -> int:
        asyncio.get_running_loop().set_default_executor(Refuses())
        return (await Client().ask(APPS[made]()))[0]

    assert asyncio.run(main()) == 200
    assert [thread for thread in threading.enumerate() if thread.name == 'streamtap-app'] == []


@applications
def test_everything_can_only_be_read(made: str):
    """By GET, or by HEAD, which leaves the body out."""

    async def main() -> list[Any]:
        return [await Client().ask(APPS[made](), method=method) for method in ('GET', 'HEAD', 'POST', 'OPTIONS')]

    (got, _, _), (head, headers, body), *refused = asyncio.run(main())
    assert (got, head, body) == (200, 200, b'')
    assert b'Content-Length' in headers
    assert [(status, headers[b'Allow']) for status, headers, _ in refused] == [(405, b'GET, HEAD')] * 2


@applications
def test_only_http_is_answered(made: str):
    """A websocket is refused, and of a lifespan there is none, as the specification has it."""

    async def main() -> list[Any]:
        client = Client()
        client.gone.set()
        await APPS[made]()({'type': 'websocket'}, client.receive, client.send)
        with pytest.raises(ValueError, match='answers HTTP, not lifespan'):
            await APPS[made]()({'type': 'lifespan'}, client.receive, client.send)
        return client.sent

    assert asyncio.run(main()) == [{'type': 'websocket.close'}]


def test_who_asks_at_the_same_time_shares_a_scrape():
    """It is made once."""
    registry = CollectorRegistry()
    registry.register(Big())
    Big.calls.clear()

    async def main() -> list[Any]:
        app = metrics_app(registry)
        return await asyncio.gather(*(Client().ask(app) for _ in range(4)))

    answers = asyncio.run(main())
    assert {(status, len(body) > 300_000) for status, _, body in answers} == {(200, True)}
    assert Big.calls == ['streamtap-app']


def test_nothing_is_kept_for_who_does_not_read(monkeypatch: pytest.MonkeyPatch):
    """The server waits for the reader; the application has let the answer go, and others are answered."""
    monkeypatch.setattr(asgi, 'Limits', lambda: Limits(write_seconds=0.05, bytes_per_second=1e9))
    monkeypatch.setattr(asgi, 'MOST_ANSWERS', 1)
    registry = CollectorRegistry()
    registry.register(Big())

    async def main() -> tuple[list[int], int]:
        app = metrics_app(registry)
        stuck = Client(reads=1)
        asking = asyncio.ensure_future(stuck.ask(app))
        await stuck.has_stopped.wait()
        statuses = [(await Client().ask(app))[0]]
        while statuses[-1] == 503:
            await asyncio.sleep(0.02)
            statuses.append((await Client().ask(app))[0])
        stuck.gone.set()
        await asking
        return [statuses[0], statuses[-1]], len(stuck.sent)

    assert asyncio.run(main()) == ([503, 200], 2)


def test_a_first_event_goes_out_in_pieces():
    """However much is remembered."""
    tap = Tap([BaseSink()])
    app = live_app(tap)
    for number in range(200):
        (view,) = (sink for sink in tap.sinks if type(sink).__name__ == 'LiveView')
        view.run_started(run_start(f'run-{number}'))
        for _ in range(50):
            view.response_ended(response(run_id=f'run-{number}'))
        view.run_ended(run(run_id=f'run-{number}'))

    async def main() -> list[bytes]:
        client = Client()
        asking = asyncio.ensure_future(client.ask(app, path='/events'))
        while not (client.sent and client.sent[-1].get('body', b'').endswith(b'\n\n')):  # noqa: ASYNC110 - each piece is sent by itself
            await asyncio.sleep(0.01)
        client.gone.set()
        await asking
        return [each['body'] for each in client.sent[1:]]

    pieces = asyncio.run(main())
    assert max(map(len, pieces)) <= 64 * 1024
    assert b''.join(pieces).count(b'"id":') == 200
