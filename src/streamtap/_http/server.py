"""Takes clients, not more than the application can bear, and gives each a thread."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._base.places import place_of
from streamtap._http.connection import Connection
from streamtap._http.descriptors import spare_descriptors
from streamtap._http.limits import Limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger('streamtap')

LOOK = 0.5
"""Seconds between two looks whether the server is closed, where that does not wake it."""

PAUSE = 0.5
"""Seconds after which a client is taken again where the system could not take one."""

END = 0.5
"""Seconds that answers have to come to their end when the server is closed, and then the clients' threads."""

FEW = 2
"""How many clients are served where descriptors are scarce."""


class Server:
    """A server of HTTP/1.1 that answers with an application.

    A client that is too many takes the place of the one that has made the server wait for its request the longest; if
    there is none, it is turned away.

    Args:
        listener: The socket, which listens.
        app: Answers requests: those with GET, and those with HEAD as if they were.
        tls: What TLS needs; `None` for none.
        limits: What clients may take.
    """

    def __init__(
        self, listener: socket.socket, app: WSGIApplication, tls: ssl.SSLContext | None, limits: Limits | None = None
    ) -> None:
        self._listener = listener
        self._app = app
        self._tls = tls
        self._limits = Limits() if limits is None else limits
        self._closing = threading.Event()
        self._open: dict[Connection, threading.Thread] = {}
        self._places = threading.Semaphore(self._limits.connections)
        self._failures: set[type[Exception]] = set()
        self._thread = threading.Thread(target=self._take_clients, name='streamtap-serve', daemon=True)
        listener.settimeout(LOOK)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it takes clients."""
        return self._thread.is_alive()

    def forked(self) -> None:
        """Close what is the parent's: no thread of this process would answer."""
        self._listener.close()
        for connection in list(self._open):
            connection.release()

    def close(self) -> None:
        """Take no more clients, and let those go that are there."""
        self._closing.set()
        with contextlib.suppress(OSError):
            # Wakes it on Linux.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        threads = list(self._open.items())
        # Answers come to their end, an event stream's too, whose application is closed before its server.
        self._end([(connection, thread) for connection, thread in threads if not connection.has_asked])
        _wait_for(thread for _, thread in threads)
        self._end([(connection, thread) for connection, thread in threads if thread.is_alive()])

    def _end(self, threads: Sequence[tuple[Connection, threading.Thread]]) -> None:
        for connection, _ in threads:
            connection.interrupt()
        _wait_for(thread for _, thread in threads)

    def _take_clients(self) -> None:
        pace = 1 / self._limits.accepts_per_second
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                # There are no descriptors, for instance. The client that waits would be offered again at once.
                self._closing.wait(PAUSE)
                continue
            self._take(client)
            # However many come, the application has its turns.
            self._closing.wait(pace)

    def _take(self, client: socket.socket) -> None:
        if not self._has_place(client):
            client.close()
            return
        connection = Connection(client, self._app, self._tls, self._limits, self._failed)
        thread = threading.Thread(target=self._serve, args=(connection,), name='streamtap-client', daemon=True)
        self._open[connection] = thread
        try:
            thread.start()
        except RuntimeError:
            # The system has no more threads, or the interpreter ends.
            self._leave(connection)
            client.close()

    def _has_place(self, client: socket.socket) -> bool:
        is_scarce = spare_descriptors(client) < self._limits.spare_descriptors and len(self._open) >= FEW
        if not is_scarce and self._places.acquire(blocking=False):
            return True
        waited_for = next((each for each in list(self._open.items()) if not each[0].has_asked), None)
        if waited_for is None:
            return False
        connection, thread = waited_for
        connection.interrupt()
        thread.join(PAUSE)
        return not thread.is_alive() and self._places.acquire(blocking=False)

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        del self._open[connection]
        self._places.release()

    def _failed(self, error: Exception) -> None:
        if type(error) not in self._failures:
            self._failures.add(type(error))
            # Neither its message nor its traceback, which may hold what is nobody's business.
            logger.error(
                'streamtap: a request could not be answered: %s%s; further ones of this kind are not logged',
                clean(type(error).__name__),
                place_of(error),
            )


def _wait_for(threads: Iterable[threading.Thread]) -> None:
    until = time.monotonic() + END
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
