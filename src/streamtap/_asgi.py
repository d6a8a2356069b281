"""`/metrics` and the live view as ASGI applications, to mount in one's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import REGISTRY

from streamtap._http.answer import METHODS, PIECE, Answer, Request, answered, refused, wrong_method
from streamtap._http.limits import Limits
from streamtap._http.patience import Patience
from streamtap._http.workers import Workers
from streamtap._serve import registry_of
from streamtap._sinks.prometheus.multiprocess import scraped
from streamtap._sinks.prometheus.negotiation import metrics_wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from prometheus_client.registry import CollectorRegistry

    from streamtap._tap import Tap
    from streamtap._web.page import Events

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
"""An ASGI application."""

LONGEST_EVENTS = 15.0
"""Seconds after which a viewer must ask again: a server that shuts down waits for the responses that are not over."""

MOST_ANSWERS = 32
"""How many clients are answered at a time, viewers included: sending is the work of the application's loop."""


def metrics_app(registry: CollectorRegistry = REGISTRY) -> AsgiApp:
    """An ASGI application that serves the metrics, to mount in yours.

    With Starlette or FastAPI: `app.mount('/metrics', metrics_app())`. A scrape is made in a thread of its own, so that
    one of many series does not block the event loop, and who asks within a second of another gets the same.
    Under `PROMETHEUS_MULTIPROC_DIR` any worker serves the default registry's metrics of all processes.

    Args:
        registry: The registry to serve; prometheus_client's default one if not given.
    """
    # Imported only where something is mounted.
    from streamtap._web.fetch_metadata import always_metrics
    from streamtap._web.guarded import Guarded

    return _Mounted(Guarded(metrics_wsgi(scraped(registry)), None, always_metrics), path='/')


def live_app(tap: Tap, *, trace_url: str | None = None) -> AsgiApp:
    """An ASGI application that serves the tap's live view, to mount in yours, behind your own login.

    With Starlette or FastAPI: `app.mount('/live', live_app(tap))`; the page is at `/live/`, and the tap's metrics are at
    `/live/metrics`. It lets everybody in who reaches it: your application decides who that is, for instance by a
    middleware (dependencies of FastAPI do not apply to what is mounted). The page shows what happens in this process
    from now on, so call this before you run agents.

    Args:
        tap: The tap.
        trace_url: Where traces are kept, for the page to link to: the address of one, with `{trace_id}` in the place of
            its id, such as `'http://localhost:16686/trace/{trace_id}'`. Default `None`: trace ids can be copied.

    Raises:
        TypeError: If `tap` is not a tap, or `trace_url` not a string.
        ValueError: If `trace_url` is not the address of a trace over HTTP, with `{trace_id}` and nothing else in braces.
    """
    # Imported only where a live view is served.
    from streamtap._web.fetch_metadata import resource_of
    from streamtap._web.guarded import Guarded
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import LivePage

    if not hasattr(tap, 'add_sink'):
        raise TypeError(f'live_app() takes a tap, not {tap!r}')
    view = LiveView(trace_url=trace_url)
    page = Guarded(LivePage(view, metrics_wsgi(scraped(registry_of(tap)))), None, resource_of)
    tap.add_sink(view)
    return _Mounted(page)


class _Mounted:
    """Answers what comes to a mount with an application.

    Args:
        app: Answers it.
        path: What is asked for, whatever the client says; otherwise what the client says.
    """

    def __init__(self, app: WSGIApplication, path: str | None = None) -> None:
        self._app = app
        self._path = path
        self._workers = Workers()
        self._answers = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope['type'] == 'websocket':
            # As the specification says: refused with 403.
            await receive()
            await send({'type': 'websocket.close'})
            return
        if scope['type'] != 'http':
            raise ValueError(f'this application answers HTTP, not {scope["type"]}')
        if self._answers >= MOST_ANSWERS:
            with contextlib.suppress(TimeoutError):
                await _Reader(send, head_only=False).answer(_too_many())
            return
        self._answers += 1
        try:
            is_read = await self._serve(scope, receive, send)
        finally:
            self._answers -= 1
        if not is_read:
            # The server waits for the reader, whatever is done here: at least nothing is kept for it.
            await _gone(receive)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> bool:
        """Answer, and say whether the answer was read."""
        answer = await self._answer(scope)
        try:
            reader = _Reader(send, head_only=scope['method'] == 'HEAD')
            await self._send_answer(answer, reader, receive)
        except TimeoutError:
            return False
        finally:
            # Whoever is gone before the first event was a viewer too.
            answer.close()
        return True

    async def _answer(self, scope: Message) -> Answer:
        if scope['method'] not in METHODS:
            return wrong_method()
        request = _request(scope, self._path)
        try:
            return await self._workers.run(lambda: answered(self._app, request), unwanted=Answer.close)
        except BlockingIOError:
            return _too_many()

    async def _send_answer(self, answer: Answer, reader: _Reader, receive: Receive) -> None:
        from streamtap._web.page import Events

        if not isinstance(answer.body, Events):
            await reader.answer(answer)
            return
        await reader.begin(answer)
        await self._send_events(answer.body, reader, receive)
        await reader.end()

    async def _send_events(self, events: Events, reader: _Reader, receive: Receive) -> None:
        """Send a viewer's events, without a thread that waits for the next one."""
        from streamtap._web.page import TICK

        left = asyncio.ensure_future(_gone(receive))
        until = asyncio.get_running_loop().time() + LONGEST_EVENTS
        try:
            while not left.done() and not reader.head_only and asyncio.get_running_loop().time() < until:
                try:
                    pieces = await self._workers.run(events.event)
                except BlockingIOError:
                    # The viewer asks again.
                    return
                for piece in pieces:
                    await reader.send(piece)
                await asyncio.wait([left], timeout=TICK)
        finally:
            left.cancel()


class _Reader:
    """Whom an answer is sent to.

    Args:
        send: Sends a message.
        head_only: Whether only the head is asked for.
    """

    def __init__(self, send: Send, *, head_only: bool) -> None:
        self._send = send
        self.head_only = head_only
        self._patience = Patience(Limits())

    async def answer(self, answer: Answer) -> None:
        """Send an answer.

        Args:
            answer: All of it.

        Raises:
            TimeoutError: If it is not read in time.
        """
        await self.begin(answer)
        for piece in answer.body:
            await self.send(piece)
        await self.end()

    async def begin(self, answer: Answer) -> None:
        """Send the head.

        Args:
            answer: What it is of.
        """
        headers = [(name.encode('latin-1'), value.encode('latin-1')) for name, value in answer.headers]
        await self._send({'type': 'http.response.start', 'status': answer.code, 'headers': headers})

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body.

        Args:
            piece: The bytes.

        Raises:
            TimeoutError: If it is not read in time.
        """
        if self.head_only:
            return
        for begin in range(0, len(piece), PIECE):
            part = piece[begin : begin + PIECE]
            self._patience.extend(len(part))
            await self._within({'type': 'http.response.body', 'body': part, 'more_body': True})

    async def end(self) -> None:
        """Say that this was all.

        Raises:
            TimeoutError: If what was sent before is not read in time.
        """
        await self._within({'type': 'http.response.body', 'body': b''})

    async def _within(self, message: Message) -> None:
        # Not `wait_for`, which before Python 3.12 can lose a cancellation.
        with self._patience.waiting() as seconds:
            sending = asyncio.ensure_future(self._send(message))
            try:
                await asyncio.wait([sending], timeout=seconds)
            finally:
                is_sent = sending.done()
                sending.cancel()
        if not is_sent:
            raise TimeoutError('the reader of an answer is too slow')
        sending.result()


def _too_many() -> Answer:
    return refused('503 Service Unavailable', 'Too many ask at a time.', ('Retry-After', '1'))


async def _gone(receive: Receive) -> None:
    while (await receive())['type'] != 'http.disconnect':
        pass


def _request(scope: Message, path: str | None) -> Request:
    root, asked = str(scope.get('root_path', '')), str(scope['path'])
    # Some frameworks leave the path of the mount in front, as the specification says, and some do not.
    below = asked[len(root) :] if f'{asked}/'.startswith(f'{root}/') else asked
    host, port = scope.get('server') or ('', None)
    client, _ = scope.get('client') or ('', 0)
    return Request(
        path=below if path is None else path,
        query=scope['query_string'].decode('latin-1'),
        headers=[(name.decode('latin-1'), value.decode('latin-1')) for name, value in scope['headers']],
        scheme=str(scope.get('scheme', 'http')),
        server=(host, port or 0),
        client=client,
    )
