"""`/metrics` and the live view as ASGI applications, to mount in one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from prometheus_client import REGISTRY

from streamtap._serve import registry_of
from streamtap._sinks.prometheus.multiprocess import scraped
from streamtap._sinks.prometheus.negotiation import metrics_wsgi
from streamtap._web.fetch_metadata import always_metrics, resource_of
from streamtap._web.guarded import Guarded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIApplication
    from prometheus_client.registry import CollectorRegistry

    from streamtap._tap import Tap
    from streamtap._web.page import Events

_HEADERS = ('accept', 'accept-encoding', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest')
"""Those that the answer depends on."""

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
"""An ASGI application."""

LONGEST_EVENTS = 15.0
"""Seconds after which a viewer must ask again: a server that shuts down waits for the responses that are not over."""


def metrics_app(registry: CollectorRegistry = REGISTRY) -> AsgiApp:
    """An ASGI application that serves the metrics, to mount in yours.

    With Starlette or FastAPI: `app.mount('/metrics', metrics_app())`. The response is made in a thread, so that a
    scrape of many series does not block the event loop.
    Under `PROMETHEUS_MULTIPROC_DIR` any worker serves the default registry's metrics of all processes.

    Args:
        registry: The registry to serve; prometheus_client's default one if not given.
    """
    answer = Guarded(metrics_wsgi(scraped(registry)), None, always_metrics)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        start, body = await asyncio.to_thread(_answered, answer, {**_environ(scope, '/'), 'REQUEST_METHOD': 'GET'})
        await send(start)
        await send({'type': 'http.response.body', 'body': b''.join(body)})

    return app


def live_app(tap: Tap) -> AsgiApp:
    """An ASGI application that serves the tap's live view, to mount in yours, behind your own login.

    With Starlette or FastAPI: `app.mount('/live', live_app(tap))`; the page is at `/live/`, and the tap's metrics are at
    `/live/metrics`. It lets everybody in who reaches it: your application decides who that is, for instance by a
    middleware (dependencies of FastAPI do not apply to what is mounted). The page shows what happens in this process
    from now on, so call this before you run agents.

    Args:
        tap: The tap.

    Raises:
        TypeError: If it is not a tap.
    """
    # Imported only where a live view is served.
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import Events, LivePage

    if not hasattr(tap, 'add_sink'):
        raise TypeError(f'live_app() takes a tap, not {tap!r}')
    view = LiveView()
    page = Guarded(LivePage(view, metrics_wsgi(scraped(registry_of(tap)))), None, resource_of)
    tap.add_sink(view)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        root, path = str(scope.get('root_path', '')), str(scope['path'])
        # Some frameworks leave the path of the mount in front, as the specification says, and some do not.
        below = path[len(root) :] if f'{path}/'.startswith(f'{root}/') else path
        start, body = await asyncio.to_thread(_answered, page, _environ(scope, below))
        if not isinstance(body, Events):
            await send(start)
            await send({'type': 'http.response.body', 'body': b''.join(body)})
            return
        try:
            await send(start)
            await _tell(body, receive, send)
            await send({'type': 'http.response.body', 'body': b''})
        finally:
            # Whoever is gone before the first event was a viewer too.
            body.close()

    return app


async def _tell(events: Events, receive: Receive, send: Send) -> None:
    """Send a viewer's events, without a thread that waits for the next one."""
    from streamtap._web.page import TICK

    async def leave() -> None:
        while (await receive())['type'] != 'http.disconnect':
            pass

    left = asyncio.ensure_future(leave())
    until = asyncio.get_running_loop().time() + LONGEST_EVENTS
    try:
        while not left.done() and asyncio.get_running_loop().time() < until:
            event = await asyncio.to_thread(events.message)
            await send({'type': 'http.response.body', 'body': event, 'more_body': True})
            await asyncio.wait([left], timeout=TICK)
    finally:
        left.cancel()


def _answered(answer: WSGIApplication, environ: dict[str, Any]) -> tuple[Message, Iterable[bytes]]:
    started: list[Message] = []

    def start(status: str, headers: list[tuple[str, str]], error: object = None, /) -> Callable[[bytes], object]:
        encoded = [(name.encode('latin-1'), value.encode('latin-1')) for name, value in headers]
        started.append({'type': 'http.response.start', 'status': int(status.split()[0]), 'headers': encoded})
        return _not_written

    body = answer(environ, start)
    return started[0], body


def _not_written(_: bytes) -> None:
    raise NotImplementedError('our own applications return what they answer')


def _environ(scope: Message, path: str) -> dict[str, Any]:
    asked = {name.decode('latin-1').lower(): value.decode('latin-1') for name, value in scope['headers']}
    return {
        'REQUEST_METHOD': scope['method'],
        'PATH_INFO': path,
        'QUERY_STRING': scope['query_string'].decode('latin-1'),
        **{f'HTTP_{name.upper().replace("-", "_")}': asked.get(name, '') for name in _HEADERS},
    }
