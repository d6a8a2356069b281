"""One client: its request is read, by h11, and answered, within limits of size and time; then it is closed."""

from __future__ import annotations

import contextlib
import http
import socket
import time
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote

import h11

from streamtap._http.answer import METHODS, Answer, Request, answered, refused, wrong_method
from streamtap._http.patience import Patience

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

    from streamtap._http.limits import Limits

RECEIVED = 4096
"""Bytes that are read at a time."""

DRAIN_SECONDS = 0.1
"""How long more is read from who was refused, each time."""


class Connection:
    """A client's connection, in a thread of its own.

    Args:
        client: Its socket.
        app: Answers it.
        tls: What TLS needs; `None` for none.
        limits: Those of the server.
        failed: Called with an exception of the application.
    """

    def __init__(
        self,
        client: socket.socket,
        app: WSGIApplication,
        tls: ssl.SSLContext | None,
        limits: Limits,
        failed: Callable[[Exception], None],
    ) -> None:
        self._socket = client
        self._app = app
        self._tls = tls
        self._limits = limits
        self._failed = failed
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._patience = Patience(limits)
        self._may_have_unread = True
        self.has_asked = False
        """Whether its request is known."""

    def serve(self) -> None:
        """Read the request, answer it, and close the connection."""
        try:
            self._serve()
        except OSError:
            pass  # A client that is too slow, or is gone, gets no answer.
        except Exception as error:
            self._failed(error)
        finally:
            if self._may_have_unread:
                self._drain()
            self._socket.close()

    def interrupt(self) -> None:
        """End what its thread waits for; it closes the connection then."""
        with contextlib.suppress(OSError):
            # Not the method of an SSLSocket, which is not for another thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def release(self) -> None:
        """Close this process's copy of the connection, which is its parent's."""
        self._socket.close()

    def _serve(self) -> None:
        until = time.monotonic() + self._limits.head_seconds
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.buffer_bytes)
        if self._tls is not None:
            self._socket.settimeout(self._limits.head_seconds)
            secured = self._tls.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
            self._socket = secured
            secured.do_handshake()
        try:
            head = self._head(until)
        except h11.RemoteProtocolError as error:
            self.has_asked = True
            status = http.HTTPStatus(error.error_status_hint)
            self._send(refused(f'{status.value} {status.phrase}', 'This is no request that can be answered.'))
            return
        if head is None:
            return
        self.has_asked = True
        answer = self._answer_to(head)
        try:
            self._send(answer, head_only=head.method == b'HEAD')
        finally:
            answer.close()

    def _head(self, until: float) -> h11.Request | None:
        """The head of the request; `None` if the client leaves before it ends."""
        received = 0
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._wait_until(until)
            data = self._socket.recv(min(RECEIVED, self._limits.head_bytes + 1 - received))
            received += len(data)
            self._http.receive_data(data)
        return event if isinstance(event, h11.Request) else None

    def _wait_until(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError('a client did not send the head of its request in time')
        self._socket.settimeout(left)

    def _answer_to(self, head: h11.Request) -> Answer:
        if head.method.decode() not in METHODS:
            return wrong_method()
        if not isinstance(self._http.next_event(), h11.EndOfMessage):
            return refused('413 Content Too Large', 'A request has no body here.')
        self._may_have_unread = False
        path, _, query = head.target.decode('latin-1').partition('?')
        host, port, *_ = self._socket.getsockname()
        client, *_ = self._socket.getpeername()
        request = Request(
            path=unquote(path, 'latin-1'),
            query=query,
            headers=[(name.decode('latin-1'), value.decode('latin-1')) for name, value in head.headers],
            scheme='http' if self._tls is None else 'https',
            server=(host, port),
            client=client,
        )
        try:
            return answered(self._app, request)
        except Exception as error:
            self._failed(error)
            return refused('500 Internal Server Error', 'This could not be answered.')

    def _drain(self) -> None:
        """Let the client read why it is refused: what is closed with something unread is reset."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            self._socket.settimeout(DRAIN_SECONDS)
            for _ in range(self._limits.head_bytes // RECEIVED):
                if not socket.socket.recv(self._socket, RECEIVED):
                    return

    def _send(self, answer: Answer, *, head_only: bool = False) -> None:
        reason = answer.status.partition(' ')[2].encode()
        headers = [*answer.headers, ('Date', formatdate(usegmt=True)), ('Connection', 'close')]
        self._write(h11.Response(status_code=answer.code, headers=headers, reason=reason))
        for piece in () if head_only else answer.body:
            self._write(h11.Data(data=piece))
        self._write(h11.EndOfMessage())

    def _write(self, event: h11.Event) -> None:
        left = memoryview(self._http.send(event) or b'')
        self._patience.extend(len(left))
        while left:
            with self._patience.waiting() as seconds:
                self._socket.settimeout(seconds)
                left = left[self._socket.send(left) :]
