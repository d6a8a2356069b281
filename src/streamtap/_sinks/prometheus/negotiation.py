"""Which exposition a scraper wants, and the application that answers it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import parse_qs

from prometheus_client.exposition import choose_encoder

from streamtap._sinks.prometheus.protobuf_exposition import CONTENT_TYPE, exposition
from streamtap._sinks.prometheus.shared_scrapes import SharedScrapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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


@dataclass(frozen=True, slots=True)
class WantedExposition:
    """How the metrics are written for one scraper; equal for all who get the same.

    Args:
        content_type: Of the answer.
        protobuf: Whether it is protobuf, and how names are escaped then; `None` for a text.
        is_compressed: Whether it is compressed by gzip.
        names: The series that were asked for; `None` for all.
    """

    content_type: str
    protobuf: Literal['allow-utf-8', 'underscores'] | None
    is_compressed: bool
    names: tuple[str, ...] | None

    @classmethod
    def wanted(cls, environ: WSGIEnvironment) -> WantedExposition:
        """What a request asks for.

        Args:
            environ: The request.
        """
        accept: str = environ.get('HTTP_ACCEPT', '')
        names = parse_qs(environ.get('QUERY_STRING', '')).get('name[]')
        protobuf = wanted_protobuf(accept)
        escaping = None
        if protobuf is not None:
            escaping = 'allow-utf-8' if protobuf.parameters.get('escaping') == 'allow-utf-8' else 'underscores'
        return cls(
            _text(accept)[1] if escaping is None else f'{CONTENT_TYPE}; escaping={escaping}',
            escaping,
            any(way.kind == 'gzip' and way.quality > 0 for way in accepted(environ.get('HTTP_ACCEPT_ENCODING', ''))),
            None if names is None else tuple(sorted(set(names))),
        )

    def of(self, registry: CollectorRegistry, accept: str) -> bytes:
        """Write the metrics.

        Args:
            registry: Where they are.
            accept: The header `Accept` that asked for it.
        """
        source = registry if self.names is None else cast('CollectorRegistry', registry.restricted_registry(self.names))
        if self.protobuf is not None:
            body = exposition(source, names_as_they_are=self.protobuf == 'allow-utf-8')
        else:
            body = _text(accept)[0](source)
        return gzip.compress(body, COMPRESSION) if self.is_compressed else body


def _text(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        chosen = choose_encoder(accept)
    except (TypeError, ValueError):
        # Its version is no number.
        chosen = choose_encoder('')
    return cast('tuple[Callable[[CollectorRegistry], bytes], str]', chosen)


def metrics_wsgi(registry: CollectorRegistry) -> WSGIApplication:
    """The application that answers scrapes; who asks within a second of another one gets the same.

    Args:
        registry: The registry to serve.
    """
    scrapes = SharedScrapes()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ['PATH_INFO'] == '/favicon.ico':
            # Browsers ask for it, and it is no scrape.
            start_response('200 OK', [('Content-Length', '0')])
            return []
        wanted = WantedExposition.wanted(environ)
        scrape = scrapes.get(wanted, lambda: wanted.of(registry, environ.get('HTTP_ACCEPT', '')))
        if scrape is None:
            why = b'Too many ask for the metrics.\n'
            headers = [('Content-Type', 'text/plain; charset=utf-8'), ('Content-Length', str(len(why)))]
            start_response('503 Service Unavailable', [*headers, ('Retry-After', '1')])
            return [why]
        encoding = [('Content-Encoding', 'gzip')] if wanted.is_compressed else []
        start_response(
            '200 OK', [('Content-Type', wanted.content_type), ('Content-Length', str(len(scrape.data))), *encoding]
        )
        return scrape

    return answer
