"""Which exposition a scraper wants, and the application that answers it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs

from prometheus_client import make_wsgi_app  # pyright: ignore[reportUnknownVariableType]

from streamtap._sinks.prometheus.protobuf_exposition import CONTENT_TYPE, exposition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client.registry import CollectorRegistry

_PROTOBUF = 'application/vnd.google.protobuf'
_TEXTS = ('text/plain', 'application/openmetrics-text', 'text/*', 'application/*', '*/*')

COMPRESSION = 6
"""Of 1 to 9; 9 takes twice the time for 3 % less."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One choice of an `Accept` or `Accept-Encoding` header.

    Args:
        kind: What is accepted.
        quality: How much it is wanted, from 0 (not at all) to 1.
        parameters: What else was said of it.
    """

    kind: str
    quality: float
    parameters: Mapping[str, str]


def accepted(header: str) -> Iterator[Accepted]:
    """The choices of a header, in their order; what cannot be read as a quality counts as 0."""
    for choice in header.split(','):
        kind, *rest = (part.strip() for part in choice.split(';'))
        parameters = {
            key.strip().lower(): value.strip(' "') for key, _, value in (part.partition('=') for part in rest)
        }
        try:
            quality = float(parameters.get('q', '1'))
        except ValueError:
            quality = 0.0
        yield Accepted(kind.lower(), quality, parameters)


def wanted_protobuf(accept: str) -> Accepted | None:
    """The choice by which a scraper wants protobuf more than any text; `None` if it does not.

    Args:
        accept: The header `Accept`.
    """
    choices = list(accepted(accept))
    best = max((choice for choice in choices if _is_ours(choice)), key=lambda choice: choice.quality, default=None)
    if best is None or best.quality <= 0:
        return None
    before = choices.index(best)
    for place, other in enumerate(choices):
        if other.kind in _TEXTS and (
            other.quality > best.quality or (other.quality == best.quality and place < before)
        ):
            return None
    return best


def _is_ours(choice: Accepted) -> bool:
    asked = choice.parameters
    return (
        choice.kind == _PROTOBUF
        and asked.get('proto') == 'io.prometheus.client.MetricFamily'
        and asked.get('encoding', 'delimited') == 'delimited'
    )


def metrics_wsgi(registry: CollectorRegistry) -> WSGIApplication:
    """The application of prometheus_client, which also answers those who want protobuf.

    Args:
        registry: The registry to serve.
    """
    texts = cast('WSGIApplication', make_wsgi_app(registry))

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = wanted_protobuf(environ.get('HTTP_ACCEPT') or '')
        if wanted is None or environ['REQUEST_METHOD'] != 'GET' or environ['PATH_INFO'] == '/favicon.ico':
            return texts(environ, start_response)
        names = parse_qs(environ.get('QUERY_STRING', '')).get('name[]')
        source = registry if names is None else registry.restricted_registry(names)
        escaping = 'allow-utf-8' if wanted.parameters.get('escaping') == 'allow-utf-8' else 'underscores'
        body = exposition(source, names_as_they_are=escaping == 'allow-utf-8')
        headers = [('Content-Type', f'{CONTENT_TYPE}; escaping={escaping}')]
        if any(way.kind == 'gzip' and way.quality > 0 for way in accepted(environ.get('HTTP_ACCEPT_ENCODING') or '')):
            body = gzip.compress(body, COMPRESSION)
            headers.append(('Content-Encoding', 'gzip'))
        start_response('200 OK', headers)
        return [body]

    return answer
