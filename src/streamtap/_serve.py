"""`/metrics` over HTTP, and the live view beside it, from threads of their own."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from streamtap._base.forks import tell_forks
from streamtap._base.ports import is_held_by_relative
from streamtap._sinks.prometheus.multiprocess import is_multiprocess, scraped
from streamtap._sinks.prometheus.negotiation import metrics_wsgi
from streamtap._sinks.prometheus.sink import PrometheusSink

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from prometheus_client.registry import CollectorRegistry
    from typing_extensions import Self

    from streamtap._http.server import Server
    from streamtap._tap import Tap
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import LivePage

logger = logging.getLogger('streamtap')


class MetricsServer:
    """A running server of `/metrics`, and of the live view if a tap was given.

    Close it with `close()`, or use it as a context manager.

    Args:
        server: What answers; `None` if another worker has the port.
        addr: The address it listens on.
        port: The port it listens on.
        scheme: `http` or `https`.
        closing: Called when it is closed, before it stops; `None` without a live view.
    """

    def __init__(
        self,
        server: Server | None,
        addr: str,
        port: int,
        scheme: str,
        closing: Callable[[], None] | None = None,
    ) -> None:
        self._server = server
        self._closing = closing
        self.addr = addr
        """The address it listens on."""
        self.port = port
        """The port it listens on."""
        root = f'{scheme}://{f"[{addr}]" if ":" in addr else addr}:{port}/'
        self.url = f'{root}metrics'
        """The URL of the metrics."""
        self.live_url = None if closing is None else root
        """The URL of the live view; `None` without one."""
        tell_forks(self)

    @property
    def is_serving(self) -> bool:
        """Whether this process serves: not once it is closed, and not if another worker had the port."""
        return self._server is not None and self._server.is_alive

    def forked(self) -> None:
        """Release the port: no thread of this process would answer."""
        if self._server is not None:
            self._server.forked()

    def close(self) -> None:
        """Stop serving; further calls do nothing, and neither do calls in a forked child."""
        if self._server is None or not self.is_serving:
            return
        if self._closing is not None:
            self._closing()
        self._server.close()

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
    metrics_token: str | None = None,
    trace_url: str | None = None,
    registry: CollectorRegistry | None = None,
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

    Of the workers of one server (`uvicorn --workers 2`), the first that calls this serves; in the others it is logged
    as a warning that the port is in use, and nothing else happens.

    Args:
        tap: The tap whose metrics are served and whose live view is at `/`; without one there is no live view.
        port: The port; 0 takes any free one. Default 9464, the one OpenTelemetry's exporter uses.
        addr: The address to listen on. Default loopback: metrics name agents, models and tools, so think before
            opening them to a network. On a network the live view needs a `token`. On loopback, what needs no token is
            refused under any other name than localhost or 127.0.0.1, and to proxies that say that they are one.
        token: Opens everything: `/?token=...` once, or `Authorization: Bearer ...`; at least 16 characters that are hard
            to guess, such as `secrets.token_urlsafe()`. Default `None`, which only loopback allows.
        metrics_token: What a scraper must send as `Authorization: Bearer ...`, another one than `token`. Default `None`:
            `/metrics` is open to whoever reaches the port.
        trace_url: Where traces are kept, for the live view to link to: the address of one, with `{trace_id}` in the place
            of its id, such as `'http://localhost:16686/trace/{trace_id}'`. Default `None`: trace ids can be copied.
        registry: The registry to serve; if not given, that of the tap's (first) `PrometheusSink`, otherwise
            prometheus_client's default one.
        certfile: Path of the server's certificate, for TLS.
        keyfile: Path of its key.
        client_cafile: Path of the certificate authority that client certificates are checked against.
        client_capath: The same, as a directory.
        client_auth_required: Whether clients must present a certificate.
        tls_min_version: The lowest TLS version to accept.

    Returns:
        The running server.

    Raises:
        OSError: If the port is in use, but not by another worker of the same server, or the address is not this machine's.
        TypeError: If `tap` is not a tap, or a token or `trace_url` is not a string.
        ValueError: If the live view would be open to a network without a token, a token is easy to guess or cannot be
            sent, both are the same, `token` or `trace_url` is given without a tap, only one of `certfile` and `keyfile` is
            given, an option would protect nothing (TLS options without a certificate, or a client authority without
            `client_auth_required`), or `trace_url` is not the address of a trace over HTTP, with `{trace_id}` and nothing
            else in braces.
    """
    if tap is not None and not hasattr(tap, 'add_sink'):
        raise TypeError(f'serve() takes a tap first: pass serve(port={tap!r}) to serve only /metrics')
    # Imported only where something is served.
    from streamtap._http.listening import listening, server_tls
    from streamtap._http.server import Server
    from streamtap._web.access import Access
    from streamtap._web.fetch_metadata import always_metrics, resource_of
    from streamtap._web.guarded import Guarded

    if tap is None:
        _check_needs_no_tap(token, trace_url)
    served = scraped(registry_of(tap) if registry is None else registry)
    access = Access(
        addr,
        has_page=tap is not None,
        token=token,
        metrics_token=metrics_token,
        is_certified=client_auth_required,
    )
    live = None if tap is None else _live(served, trace_url)
    is_tls = bool(certfile and keyfile)
    if not is_tls and (certfile, keyfile) != (None, None):
        raise ValueError('TLS needs both certfile and keyfile')
    has_authority = client_cafile is not None or client_capath is not None
    if not is_tls and (has_authority or client_auth_required or tls_min_version is not None):
        raise ValueError('without certfile and keyfile there is no TLS, and no client is asked for a certificate')
    if has_authority and not client_auth_required:
        raise ValueError('client certificates are only checked with client_auth_required=True')
    scheme = 'https' if is_tls else 'http'
    tls = None
    if certfile and keyfile:
        tls = server_tls(
            certfile,
            keyfile,
            client_cafile=client_cafile,
            client_capath=client_capath,
            client_auth_required=client_auth_required,
            min_version=tls_min_version,
        )
    try:
        listener = listening(addr, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and is_held_by_relative(port):
            logger.warning(_OF_ANOTHER_WORKER, port, addr, _WHOSE_METRICS[is_multiprocess()])
            return MetricsServer(None, addr, port, scheme)
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                error.errno,
                f'port {port} on {addr} is in use: pass another port to serve(), or mount streamtap.metrics_app() in the '
                'application that listens on it',
            ) from None
        raise
    host, number, *_ = listener.getsockname()
    if tap is None or live is None:
        return MetricsServer(
            Server(listener, Guarded(metrics_wsgi(served), access, always_metrics), tls), host, number, scheme
        )
    view, page = live
    tap.add_sink(view)

    def closing() -> None:
        tap.remove_sink(view)
        page.close()

    return MetricsServer(Server(listener, Guarded(page, access, resource_of), tls), host, number, scheme, closing)


def _check_needs_no_tap(token: str | None, trace_url: str | None) -> None:
    """Reject what is for the live view only."""
    if token is not None:
        raise ValueError(
            'the token protects the live view, which needs a tap: pass serve(tap, token=...), or metrics_token=... for /metrics'
        )
    if trace_url is not None:
        raise ValueError('trace_url is for the live view, which needs a tap: pass serve(tap, trace_url=...)')


_OF_ANOTHER_WORKER = (
    'streamtap: port %s on %s is in use by another worker of this server, which answers there%s; '
    'this worker does not serve'
)
_WHOSE_METRICS = {
    True: ' with the metrics of all workers',
    False: ' with its own metrics only: set PROMETHEUS_MULTIPROC_DIR to see those of all workers',
}


def registry_of(tap: Tap | None) -> CollectorRegistry:
    """The registry of the (first) Prometheus sink of a tap, otherwise the default one."""
    sinks = () if tap is None else tap.sinks
    return next((sink.registry for sink in sinks if isinstance(sink, PrometheusSink)), REGISTRY)


def _live(registry: CollectorRegistry, trace_url: str | None) -> tuple[LiveView, LivePage]:
    # Imported only where a live view is served.
    from streamtap._web.live_view import LiveView
    from streamtap._web.page import LivePage

    view = LiveView(trace_url=trace_url)
    return view, LivePage(view, metrics_wsgi(registry))
