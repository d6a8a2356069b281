"""The live view over HTTP: the page's files, and its server-sent events."""

from __future__ import annotations

import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from streamtap._http.answer import PIECE, said
from streamtap._web.live_view import RANGES
from streamtap._web.remembered import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from streamtap._web.live_view import LiveView

TICK = 0.5
"""Seconds between two messages to a viewer."""

MAX_VIEWERS = 16
"""How many may look at a time: fewer than a server takes clients, so that a scrape finds a place."""

_KINDS = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
}
# All that can be served is listed here, so that no request can name a file.
_FILES = {
    '/' if file.name == 'index.html' else f'/{file.name}': (file, kind)
    for file in (files('streamtap._web') / 'static').iterdir()
    for suffix, kind in _KINDS.items()
    if file.name.endswith(suffix)
}


class LivePage:
    """A WSGI application: `/` is the page, with its files and `/events`, and `/metrics` is what it is without a page.

    Args:
        view: What is shown.
        metrics: The application that serves the metrics.
    """

    def __init__(self, view: LiveView, metrics: WSGIApplication) -> None:
        self._metrics = metrics
        self._moments = _Moments(view)
        self._viewers = threading.BoundedSemaphore(MAX_VIEWERS)
        self._closed = threading.Event()

    def close(self) -> None:
        """End every viewer's events."""
        self._closed.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get('PATH_INFO', '') or '/'
        if path == '/metrics':
            return self._metrics(environ, start_response)

        if path in _FILES:
            file, kind = _FILES[path]
            body = file.read_bytes()
            start_response('200 OK', [('Content-Type', kind), ('Content-Length', str(len(body)))])
            return [body]
        if path != '/events':
            return said(start_response, '404 Not Found', 'Not found: there are only / and /metrics.')
        if not self._viewers.acquire(blocking=False):
            why = f'There are {MAX_VIEWERS} viewers already, which is the limit.'
            return said(start_response, '503 Service Unavailable', why, ('Retry-After', '5'))
        start_response('200 OK', [('Content-Type', 'text/event-stream')])
        after = _last_seen(environ, self._moments.view)
        return Events(self._moments, self._closed, self._viewers.release, _range(environ), after)


class Events:
    """The events of one viewer: what it has not seen yet, then what is new, until either side closes."""

    def __init__(
        self,
        moments: _Moments,
        closed: threading.Event,
        left: Callable[[], None],
        seconds: str | None,
        after: int | None,
    ) -> None:
        self._moments = moments
        self._range = seconds
        self._closed = closed
        self._left = left
        self._after = after
        self._retry = 'retry: 1000\n'

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield from self.event()
            if self._closed.wait(TICK):
                return

    def event(self) -> Iterator[bytes]:
        """What there is to tell the viewer now, in pieces; what is remembered of runs is not copied before it is sent."""
        view, retry, self._retry = self._moments.view, self._retry, ''
        now, finished = self._moments.now(self._range), view.finished(self._after)
        self._after = finished.count
        head = f'{retry}id: {view.name}-{finished.count}\nevent: {"all" if finished.is_all else "more"}\n'
        return _in_pieces(f'{head}data: {{"now":{now},"gone":{as_json(finished.gone)},"runs":[', finished.runs)

    def close(self) -> None:
        """The viewer is gone."""
        left, self._left = self._left, _nothing
        left()


class _Moments:
    """The current state of each range, computed once for all viewers, and only when one of them asks."""

    def __init__(self, view: LiveView) -> None:
        self.view = view
        self._lock = threading.Lock()
        self._made: dict[str | None, tuple[float, str]] = {}

    def now(self, seconds: str | None) -> str:
        with self._lock:
            made, text = self._made.get(seconds, (float('-inf'), ''))
            if time.monotonic() - made > TICK / 2:
                text = self.view.now(seconds)
                self._made[seconds] = time.monotonic(), text
            return text


def _range(environ: WSGIEnvironment) -> str | None:
    """The range that a viewer asks for; `None` if it is none that there is."""
    asked = parse_qs(environ.get('QUERY_STRING', '')).get('range', [''])[0]
    return asked if asked in RANGES else None


def _last_seen(environ: WSGIEnvironment, view: LiveView) -> int | None:
    """How many runs had finished when a viewer that comes again saw the last event; `None` if it was of another view."""
    name, _, count = environ.get('HTTP_LAST_EVENT_ID', '').partition('-')
    return int(count) if name == view.name and count.isascii() and count.isdigit() and len(count) < 16 else None


def _in_pieces(begin: str, runs: list[str]) -> Iterator[bytes]:
    gathered, size = [begin], 0
    for number, run in enumerate(runs):
        if size > PIECE:
            yield ''.join(gathered).encode()
            gathered, size = [], 0
        gathered += [',', run] if number else [run]
        size += len(run)
    yield ''.join([*gathered, ']}\n\n']).encode()


def _nothing() -> None:
    pass
