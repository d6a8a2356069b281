"""Who may see the live view and the metrics: one rule for every path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from streamtap._base.clock import SystemClock
from streamtap._web.cookie import Pass
from streamtap._web.guesses import WINDOW, Guesses
from streamtap._web.hosts import is_forwarded, is_loopback, names_loopback
from streamtap._web.tokens import Token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from streamtap._base.clock import Clock
    from streamtap._web.fetch_metadata import Resource


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered instead.

    Args:
        status: The status line.
        why: The text, which says what to do.
        headers: Headers besides those of every answer.
    """

    status: str
    why: str
    headers: tuple[tuple[str, str], ...] = ()


class Access:
    """Decides on each request.

    `token` opens everything, `metrics_token` the metrics. What needs no token is open on a network to everybody, and on
    loopback to requests whose `Host` is loopback and that no proxy has passed on.

    Args:
        addr: The address on which is served.
        has_page: Whether there is a live view.
        token: The token of the live view; `None` is for loopback only.
        metrics_token: The token of the metrics; `None` if they need none.
        is_certified: Whether every client has shown a certificate, and so is no proxy or page that nobody meant to let in.
        clock: The clock to read.

    Raises:
        TypeError: If a token is not a string.
        ValueError: If the live view would be open to a network, or a token is easy to guess or cannot be sent, or both
            are the same.
    """

    def __init__(
        self,
        addr: str,
        *,
        has_page: bool,
        token: str | None = None,
        metrics_token: str | None = None,
        is_certified: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if has_page and token is None and not is_loopback(addr):
            raise ValueError(
                f'the live view on {addr or "every address"} needs a token, as it shows what your agents do: '
                "pass serve(tap, token='...'), for instance secrets.token_urlsafe(), and open /?token=... once; "
                "or keep addr='127.0.0.1'"
            )
        self._token = None if token is None else Token('token', token)
        self._metrics_token = None if metrics_token is None else Token('metrics_token', metrics_token)
        if token is not None and token == metrics_token:
            raise ValueError('metrics_token is the same as token: whoever may scrape could then open the live view')
        clock = SystemClock() if clock is None else clock
        self._is_private = is_loopback(addr) and not is_certified
        self._pass = Pass(clock)
        self._guesses = Guesses(clock)

    def refusal(self, environ: WSGIEnvironment, resource: Resource) -> Refusal | None:
        """What to answer instead of what was asked for; `None` if the request may have that.

        Args:
            environ: The request.
            resource: What it asks for.
        """
        is_metrics = resource == 'metrics'
        why = self._why_not_open(environ, self._metrics_token if is_metrics else self._token)
        refused = None if why is None else self._without_credentials(environ, why, is_metrics=is_metrics)
        self._guesses.log()
        if refused is None and resource == 'page' and _query_token(environ) is not None:
            # Let in by something else: a token leaves the address bar and the history all the same.
            return _redirect()
        return refused

    def _why_not_open(self, environ: WSGIEnvironment, token: Token | None) -> Refusal | None:
        """Why a request that shows nothing is refused."""
        if token is not None:
            return _NO_TOKEN
        if self._is_private and not names_loopback(environ):
            # Against DNS rebinding: a page whose own name leads here must not read this.
            return _WRONG_HOST
        # A proxy before an open port would make it public.
        return _FORWARDED if self._is_private and is_forwarded(environ) else None

    def _without_credentials(self, environ: WSGIEnvironment, why: Refusal, *, is_metrics: bool) -> Refusal | None:
        """The answer to a request that must show something: `why`, unless it does."""
        address = environ.get('REMOTE_ADDR', '')
        if self._token is not None and self._pass.is_shown(environ):
            self._guesses.right(address)
            return None
        token, metrics_token = self._token, self._metrics_token if is_metrics else None
        bearer, asked = _bearer(environ), None if is_metrics else _query_token(environ)
        if (token is None and metrics_token is None) or (bearer is None and asked is None):
            return why
        scrapes = metrics_token is not None and bearer is not None and metrics_token.is_shown(bearer)
        if self._guesses.are_too_many(address):
            # Whoever could scrape before scrapes on, but has no further guesses at what opens everything.
            return None if scrapes and self._guesses.has_scraped(address) else _TOO_MANY
        if scrapes:
            self._guesses.scraped(address)
            return None
        if token is not None and bearer is not None and token.is_shown(bearer):
            self._guesses.right(address)
            return None
        if token is not None and asked is not None and token.is_shown(asked):
            self._guesses.right(address)
            return _redirect(('Set-Cookie', self._pass.cookie(environ)))
        return _TOO_MANY if self._guesses.wrong(address) else why


_NO_TOKEN = Refusal(
    '401 Unauthorized',
    'This needs a token. The page: open /?token=... once, or send Authorization: Bearer. '
    '/metrics: send metrics_token of serve() as Authorization: Bearer.',
    (('WWW-Authenticate', 'Bearer'),),
)
_TOO_MANY = Refusal(
    '429 Too Many Requests',
    'Too many wrong tokens from this address: wait a minute.',
    (('Retry-After', str(int(WINDOW))),),
)
_WRONG_HOST = Refusal(
    '403 Forbidden',
    'Without a token this answers on loopback only, by its name: ask for localhost or 127.0.0.1. '
    'For another name pass serve(tap, token=...) for the page, serve(metrics_token=...) for /metrics.',
)
_FORWARDED = Refusal(
    '403 Forbidden',
    'A proxy has passed this request on, and without a token everybody who reaches the proxy could read this. '
    'Pass serve(tap, token=...) for the page, serve(metrics_token=...) for /metrics.',
)


def _redirect(*headers: tuple[str, str]) -> Refusal:
    # Relative, as a proxy may have put the page below another path.
    return Refusal('303 See Other', 'The page is at ./', (('Location', './'), *headers))


def _bearer(environ: WSGIEnvironment) -> str | None:
    scheme, _, credentials = environ.get('HTTP_AUTHORIZATION', '').partition(' ')
    return credentials.strip() if scheme.lower() == 'bearer' else None


def _query_token(environ: WSGIEnvironment) -> str | None:
    """The first one, as one request is one guess; `+` is a plus, as no token has a blank."""
    pairs = (pair.partition('=') for pair in environ.get('QUERY_STRING', '').split('&'))
    return next((unquote(value) for name, _, value in pairs if name == 'token'), None)
