"""`/metrics` over HTTP, and the live view beside it: prometheus_client's own server, and an ASGI application."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from prometheus_client import REGISTRY, make_wsgi_app, start_http_server  # pyright: ignore[reportUnknownVariableType]

from streamtap._base.forks import tell_forks
from streamtap._sinks.prometheus.multiprocess import scraped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from threading import Thread
    from types import TracebackType
    from wsgiref.simple_server import WSGIServer

    from _typeshed.wsgi import WSGIApplication
    from prometheus_client.registry import CollectorRegistry
    from typing_extensions import Self

    from streamtap._tap import Tap
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import LivePage

    Headers = list[tuple[str, str]]

Message: TypeAlias = MutableMapping[str, Any]
AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application."""


class MetricsServer:
    """A running server of `/metrics`, and of the live view if a tap was given.

    Close it with `close()`, or use it as a context manager.

    Args:
        server: The server of prometheus_client.
        thread: Its thread.
        scheme: `http` or `https`.
        closing: Called when it is closed, before it stops.
    """

    def __init__(
        self, server: WSGIServer, thread: Thread, scheme: str, closing: Callable[[], None] | None = None
    ) -> None:
        self._server = server
        self._thread = thread
        self._closing = closing
        host = str(server.server_address[0])
        self.addr = host
        """The address it listens on."""
        self.port = int(server.server_address[1])
        """The port it listens on."""
        root = f'{scheme}://{f"[{host}]" if ":" in host else host}:{self.port}/'
        self.url = f'{root}metrics'
        """The URL of the metrics."""
        self.live_url = None if closing is None else root
        """The URL of the live view; `None` without one."""
        tell_forks(self)

    def forked(self) -> None:
        """Release the port: no thread of this process would answer."""
        self._server.socket.close()

    def close(self) -> None:
        """Stop serving; further calls do nothing, and neither do calls in a forked child."""
        if not self._thread.is_alive():
            return
        if self._closing is not None:
            self._closing()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def serve(
    tap: Tap | None = None,
    port: int = 9464,
    addr: str = '127.0.0.1',
    *,
    token: str | None = None,
    registry: CollectorRegistry = REGISTRY,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
    client_capath: str | None = None,
    client_auth_required: bool = False,
    tls_min_version: ssl.TLSVersion | None = None,
) -> MetricsServer:
    """Serve `/metrics`, and with a tap its live view at `/`, from a background thread.

    Under `PROMETHEUS_MULTIPROC_DIR` the default registry's metrics are those of all processes, but the live view shows
    this process only.

    An application that already serves HTTP can mount `metrics_app()` instead; one that already exposes
    prometheus_client's default registry needs neither.

    The live view shows what happens from now on, so call this before you run agents.

    Args:
        tap: The tap whose live view is at `/`; without one there is no live view.
        port: The port; 0 takes any free one. Default 9464, the one OpenTelemetry's exporter uses.
        addr: The address to listen on. Default loopback: metrics name agents, models and tools, so think before
            opening them to a network. On a network the live view needs a `token`.
        token: Opens the live view: `/?token=...` once, or `Authorization: Bearer ...`; at least 16 characters. It does
            not protect `/metrics`; client certificates do. Default `None`, which only loopback allows.
        registry: The registry to serve; prometheus_client's default one if not given.
        certfile: Path of the server's certificate, for TLS.
        keyfile: Path of its key.
        client_cafile: Path of the certificate authority that client certificates are checked against.
        client_capath: The same, as a directory.
        client_auth_required: Whether clients must present a certificate.
        tls_min_version: The lowest TLS version to accept.

    Returns:
        The running server.

    Raises:
        OSError: If the port is in use or the address is not this machine's.
        TypeError: If `tap` is not a tap.
        ValueError: If the live view would be open to a network without a token, the token is too short or given without
            a tap, only one of `certfile` and `keyfile` is given, or an option would protect nothing: TLS options
            without a certificate, or a client authority without `client_auth_required`.
    """
    if tap is not None and not hasattr(tap, 'add_sink'):
        raise TypeError(f'serve() takes a tap first: pass serve(port={tap!r}) to serve only /metrics')
    if tap is None and token is not None:
        raise ValueError('the token protects the live view, which needs a tap: pass serve(tap, token=...)')
    served = scraped(registry)
    live = None if tap is None else _live(addr, token, served)
    is_tls = bool(certfile and keyfile)
    if not is_tls and (certfile, keyfile) != (None, None):
        raise ValueError('TLS needs both certfile and keyfile')
    has_authority = client_cafile is not None or client_capath is not None
    if not is_tls and (has_authority or client_auth_required or tls_min_version is not None):
        raise ValueError('without certfile and keyfile there is no TLS, and no client is asked for a certificate')
    if has_authority and not client_auth_required:
        raise ValueError('client certificates are only checked with client_auth_required=True')
    tls: dict[str, Any] = {} if tls_min_version is None else {'tls_min_version': tls_min_version}
    try:
        server, thread = start_http_server(
            port,
            addr,
            served,
            certfile=certfile,
            keyfile=keyfile,
            client_cafile=client_cafile,
            client_capath=client_capath,
            client_auth_required=client_auth_required,
            **tls,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                error.errno,
                f'port {port} on {addr} is in use: pass another port to serve(), or mount streamtap.metrics_app() in the '
                'application that listens on it',
            ) from None
        raise
    if isinstance(server.socket, ssl.SSLSocket):
        # The TLS handshake is left to each connection's own thread: a silent client must not block the others.
        server.socket.do_handshake_on_connect = False  # pyright: ignore[reportAttributeAccessIssue]
    scheme = 'https' if is_tls else 'http'
    if tap is None or live is None:
        return MetricsServer(server, thread, scheme)
    view, page = live
    tap.add_sink(view)
    server.set_app(page)

    def closing() -> None:
        tap.remove_sink(view)
        page.close()

    return MetricsServer(server, thread, scheme, closing)


def _live(addr: str, token: str | None, registry: CollectorRegistry) -> tuple[LiveView, LivePage]:
    # Imported only where a live view is served.
    from streamtap._web.access import Access
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import LivePage

    view = LiveView()
    return view, LivePage(view, cast('WSGIApplication', make_wsgi_app(registry)), Access(addr, token))


def metrics_app(registry: CollectorRegistry = REGISTRY) -> AsgiApp:
    """An ASGI application that serves the metrics, to mount in yours.

    With Starlette or FastAPI: `app.mount('/metrics', metrics_app())`. The response is made in a thread, so that a
    scrape of many series does not block the event loop.
    Under `PROMETHEUS_MULTIPROC_DIR` any worker serves the default registry's metrics of all processes.

    Args:
        registry: The registry to serve; prometheus_client's default one if not given.
    """
    answer = cast(
        'Callable[[dict[str, str], Callable[[str, Headers], None]], Iterable[bytes]]', make_wsgi_app(scraped(registry))
    )

    def answered(environ: dict[str, str]) -> tuple[Message, Message]:
        started: list[Message] = []

        def start(status: str, headers: Headers) -> None:
            encoded = [(name.encode('latin-1'), value.encode('latin-1')) for name, value in headers]
            started.append({'type': 'http.response.start', 'status': int(status.split()[0]), 'headers': encoded})

        body = b''.join(answer(environ, start))
        return started[0], {'type': 'http.response.body', 'body': body}

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        asked = {name.decode('latin-1').lower(): value.decode('latin-1') for name, value in scope['headers']}
        environ = {
            'REQUEST_METHOD': 'GET',
            'PATH_INFO': '/',
            'QUERY_STRING': scope['query_string'].decode('latin-1'),
            'HTTP_ACCEPT': asked.get('accept', ''),
            'HTTP_ACCEPT_ENCODING': asked.get('accept-encoding', ''),
        }
        for message in await asyncio.to_thread(answered, environ):
            await send(message)

    return app
