"""A server whose clients can take only so much."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._http import server as http_server
from streamtap._http.limits import Limits
from streamtap._http.listening import listening
from streamtap._http.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GET = b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Say what was asked for."""
    body = f'{environ["REQUEST_METHOD"]} {environ["PATH_INFO"]}'.encode()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])
    return [body]


@contextlib.contextmanager
def running(app: WSGIApplication = hello, **limits: Any) -> Generator[Callable[[], socket.socket]]:
    """A server, and what connects to it."""
    listener = listening('127.0.0.1', 0)
    address = listener.getsockname()
    server = Server(listener, app, None, Limits(**limits))
    try:
        yield lambda: socket.create_connection(address, timeout=10)
    finally:
        server.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith('streamtap-')] == []


def read(client: socket.socket) -> bytes:
    """All that is answered until the server closes the connection."""
    received = b''
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(1 << 16):
            received += data
    return received


def answer(client: socket.socket, request: bytes = GET) -> tuple[str, dict[str, str], bytes]:
    """The status, the headers and the body that a request gets."""
    client.sendall(request)
    head, _, body = read(client).partition(b'\r\n\r\n')
    status, *lines = head.decode().split('\r\n')
    return status, dict(line.lower().split(': ', 1) for line in lines), body


def test_a_request_is_answered_and_the_connection_closed():
    """With nothing about who answers."""
    with running() as connect, connect() as client:
        status, headers, body = answer(client, GET.replace(b'/ ', b'/a%20b?c=d ', 1))
    assert (status, body) == ('HTTP/1.1 200 OK', b'GET /a b')
    assert sorted(headers) == ['connection', 'content-length', 'content-type', 'date']


def test_a_head_without_its_body_can_be_asked_for():
    """The headers are those of the whole answer."""
    with running() as connect, connect() as client:
        status, headers, body = answer(client, GET.replace(b'GET', b'HEAD', 1))
    assert (status, headers['content-length'], body) == ('HTTP/1.1 200 OK', '5', b'')


@pytest.mark.parametrize(
    ('request_', 'status'),
    [
        (GET.replace(b'GET', b'POST', 1), '405 Method Not Allowed'),
        (GET.replace(b'GET', b'OPTIONS', 1), '405 Method Not Allowed'),
        (GET[:-2] + b'Content-Length: 5\r\n\r\nhello', '413 Content Too Large'),
        (GET[:-2] + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '413 Content Too Large'),
        (b'GET / HTTP/1.1\r\n\r\n', '400 Bad Request'),
        (GET[:-2] + b'Host: other\r\n\r\n', '400 Bad Request'),
        (b'\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', '400 Bad Request'),
        (GET[:-2] + b'X: ' + b'x' * 20_000, '431 Request Header Fields Too Large'),
    ],
)
def test_what_is_no_plain_question_is_refused(request_: bytes, status: str):
    """With a reason that its sender can read."""
    with running() as connect, connect() as client:
        refused, headers, _ = answer(client, request_)
    assert refused == f'HTTP/1.1 {status}'
    assert ('allow' in headers) == (status[:3] == '405')


def test_a_name_with_an_underscore_does_not_pass_for_another():
    """An application sees one header as another one otherwise."""
    seen: list[str | None] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ.get('HTTP_X_USER'))
        return hello(environ, start_response)

    with running(app) as connect:
        for name in (b'X_User', b'X-User'):
            with connect() as client:
                answer(client, GET[:-2] + name + b': me\r\n\r\n')
    assert seen == [None, 'me']


def is_open(client: socket.socket) -> bool:
    """Whether the server takes one more byte."""
    try:
        client.sendall(b'G')
        return bool(client.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def test_a_client_that_does_not_come_to_an_end_is_left():
    """A byte now and then is not enough."""
    with running(head_seconds=0.3) as connect, connect() as client:
        began = time.monotonic()
        client.settimeout(0.05)
        while time.monotonic() - began < 10 and is_open(client):
            pass
        assert 0.2 < time.monotonic() - began < 5


def test_a_client_that_does_not_read_is_left():
    """However much there is to read; the application hears of it."""
    closed = threading.Event()

    class Endless:
        def __iter__(self) -> Endless:
            return self

        def __next__(self) -> bytes:
            return bytes(10_000)

        def close(self) -> None:
            closed.set()

    def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return Endless()

    with running(app, write_seconds=0.2, bytes_per_second=1e9) as connect, connect() as client:
        client.sendall(GET)
        assert closed.wait(10)


def taken(clients: int) -> None:
    """Wait until the server has taken so many clients."""
    deadline = time.monotonic() + 10
    while sum(thread.name == 'streamtap-client' for thread in threading.enumerate()) < clients:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_is_too_many_takes_the_place_of_the_longest_silent_one():
    """So that a scraper is answered however many say nothing."""
    with running(connections=2) as connect, connect() as first, connect() as second:
        taken(2)
        with connect() as third:
            assert answer(third)[2] == b'GET /'
        assert read(first) == b''
        assert answer(second)[2] == b'GET /'


def test_who_is_too_many_is_turned_away_where_everybody_is_being_answered():
    """At once, without an answer."""
    asked, go_on = threading.Semaphore(0), threading.Event()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.release()
        assert go_on.wait(10)
        return hello(environ, start_response)

    with running(app, connections=2) as connect, connect() as first, connect() as second:
        for client in (first, second):
            client.sendall(GET)
            assert asked.acquire(timeout=10)
        with connect() as third:
            assert read(third) == b''
        go_on.set()
        assert [read(client)[-5:] for client in (first, second)] == [b'GET /', b'GET /']


def test_few_are_served_where_descriptors_are_scarce():
    """The last ones are the application's; a scraper is answered there, too, however many say nothing."""
    with running(spare_descriptors=1 << 30) as connect, connect() as first, connect() as second:
        taken(2)
        with connect() as third:
            assert answer(third)[2] == b'GET /'
        assert read(first) == b''
        assert answer(second)[2] == b'GET /'


def test_no_descriptor_left_is_no_reason_to_spin(monkeypatch: pytest.MonkeyPatch):
    """A client that the system cannot take is offered again after a pause, and not before."""
    tried = threading.Semaphore(0)

    class Exhausted(socket.socket):
        def accept(self) -> Any:
            tried.release()
            raise OSError(errno.EMFILE, 'Too many open files')

    monkeypatch.setattr(http_server, 'PAUSE', 0.2)
    began = time.monotonic()
    server = Server(Exhausted(), hello, None)
    assert all(tried.acquire(timeout=10) for _ in range(3))
    assert time.monotonic() - began >= 0.4
    server.close()
    assert not server.is_alive


def test_an_application_that_fails_is_logged_once(caplog: pytest.LogCaptureFixture):
    """Whoever asks is told each time."""

    def app(_: WSGIEnvironment, __: StartResponse) -> Iterable[bytes]:
        raise LookupError('a collector failed')

    with caplog.at_level(logging.ERROR, 'streamtap'), running(app) as connect:
        for _ in range(2):
            with connect() as client:
                assert answer(client)[0] == 'HTTP/1.1 500 Internal Server Error'
    (told,) = caplog.records
    assert 'further ones of this kind are not logged' in told.getMessage()
    assert 'a collector failed' not in caplog.text
    assert told.exc_info is None


def test_closing_does_not_wait_for_who_says_nothing():
    """Nor for who does not read."""
    listener = listening('127.0.0.1', 0)
    server = Server(listener, hello, None)
    with socket.create_connection(listener.getsockname(), timeout=10) as client:
        taken(1)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 2
        assert read(client) == b''
