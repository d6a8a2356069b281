"""A request as a WSGI application takes it, and what the application answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    Headers = list[tuple[str, str]]

METHODS = ('GET', 'HEAD')

PIECE = 64 * 1024
"""About how many bytes of an answer are handed on at a time."""

SAFETY_HEADERS = (
    (
        'Content-Security-Policy',
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ('X-Content-Type-Options', 'nosniff'),
    ('X-Frame-Options', 'DENY'),
    ('Referrer-Policy', 'no-referrer'),
    ('Cross-Origin-Resource-Policy', 'same-origin'),
    ('Cross-Origin-Opener-Policy', 'same-origin'),
    ('Cache-Control', 'no-store'),
)
"""What every answer has, whatever it is."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be answered: its method is one of `METHODS`, and it has no body.

    Args:
        path: What is asked for, with its escapes resolved.
        query: What stands after the question mark, as it was sent.
        headers: Names and values, as they were sent.
        scheme: `http` or `https`.
        server: The address and the port that it came to.
        client: The address that it came from; empty if unknown.
    """

    path: str
    query: str
    headers: Iterable[tuple[str, str]]
    scheme: str
    server: tuple[str, int]
    client: str

    def environ(self) -> WSGIEnvironment:
        """The request for an application. It is a GET for all of them: who asked with HEAD is sent the head only."""
        environ: WSGIEnvironment = {
            'REQUEST_METHOD': 'GET',
            'SCRIPT_NAME': '',
            'PATH_INFO': self.path,
            'QUERY_STRING': self.query,
            'SERVER_NAME': self.server[0],
            'SERVER_PORT': str(self.server[1]),
            'SERVER_PROTOCOL': 'HTTP/1.1',
            'REMOTE_ADDR': self.client,
            'wsgi.url_scheme': self.scheme,
        }
        for name, value in self.headers:
            # A name with an underscore would pass for another one.
            if '_' not in name:
                key = f'HTTP_{name.upper().replace("-", "_")}'
                joined = '; ' if key == 'HTTP_COOKIE' else ', '
                environ[key] = f'{environ[key]}{joined}{value}' if key in environ else value
        return environ


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Args:
        status: The status and its reason, such as `200 OK`.
        headers: Names and values.
        body: The pieces of the body.
    """

    status: str
    headers: Headers
    body: Iterable[bytes]

    @property
    def code(self) -> int:
        """The number of the status."""
        return int(self.status.partition(' ')[0])

    def close(self) -> None:
        """The body is not needed any more."""
        close: Callable[[], object] | None = getattr(self.body, 'close', None)
        if close is not None:
            close()


def answered(app: WSGIApplication, request: Request) -> Answer:
    """What an application answers.

    Args:
        app: An application of ours: it returns what it answers, and does not write it.
        request: What is asked.
    """
    begun: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, error: object = None, /) -> Callable[[bytes], object]:
        begun.append((status, headers))
        return _not_written

    body = app(request.environ(), start_response)
    return Answer(*begun[0], body)


def refused(status: str, why: str, *headers: tuple[str, str]) -> Answer:
    """An answer that says no.

    Args:
        status: The status and its reason.
        why: A sentence for people.
        *headers: Further headers.
    """
    about, body = _sentence(why)
    return Answer(status, [*about, *headers, *SAFETY_HEADERS], body)


def said(start_response: StartResponse, status: str, why: str, *headers: tuple[str, str]) -> list[bytes]:
    """The same from within an application, whose answers get the headers of every answer elsewhere.

    Args:
        start_response: Of the request.
        status: The status and its reason.
        why: A sentence for people.
        *headers: Further headers.
    """
    about, body = _sentence(why)
    start_response(status, [*about, *headers])
    return body


def _sentence(why: str) -> tuple[Headers, list[bytes]]:
    text = f'{why}\n'.encode()
    return [('Content-Type', 'text/plain; charset=utf-8'), ('Content-Length', str(len(text)))], [text]


def wrong_method() -> Answer:
    """The answer to a method that is not one of `METHODS`."""
    return refused('405 Method Not Allowed', 'Everything here can only be read.', ('Allow', ', '.join(METHODS)))


def _not_written(_: bytes) -> None:
    raise NotImplementedError('our own applications return what they answer')
