"""Who may see the live view: requests with the token, or without one those on loopback whose `Host` is loopback."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SHORTEST_TOKEN = 16

Verdict = Literal['yes', 'by_query', 'wrong_host', 'no_token']


class Access:
    """Decides on each request.

    Args:
        addr: The address on which the page is served.
        token: What a request must present; `None` is for loopback only.

    Raises:
        ValueError: If the address is not loopback and there is no token, or the token is shorter than 16 characters.
    """

    def __init__(self, addr: str, token: str | None) -> None:
        if token is None and not is_loopback(addr):
            raise ValueError(
                f'the live view on {addr or "every address"} needs a token, as it shows what your agents do: '
                "pass serve(tap, token='...'), for instance secrets.token_urlsafe(), and open /?token=... once; "
                "or keep addr='127.0.0.1'"
            )
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise ValueError(f'token must have at least {SHORTEST_TOKEN} characters: use secrets.token_urlsafe()')
        self._token = None if token is None else token.encode()
        # The cookie that browsers store opens this page, but does not reveal the token.
        self._pass = (
            '' if token is None else hmac.new(token.encode(), b'streamtap live view', hashlib.sha256).hexdigest()
        )

    def verdict(self, environ: WSGIEnvironment) -> Verdict:
        """Whether a request may see the page, or why not.

        Args:
            environ: The request.
        """
        if self._token is None:
            # Against DNS rebinding: a page of another host, whose name resolves to this one, must not read this page.
            return 'yes' if is_loopback(_host(environ.get('HTTP_HOST', ''))) else 'wrong_host'
        cookie = _cookie(environ.get('HTTP_COOKIE', ''), cookie_name(environ))
        scheme, _, credentials = environ.get('HTTP_AUTHORIZATION', '').partition(' ')
        if hmac.compare_digest(cookie.encode(), self._pass.encode()):
            return 'yes'
        if scheme.lower() == 'bearer' and self._is_token(credentials.strip()):
            return 'yes'
        asked = parse_qs(environ.get('QUERY_STRING', '')).get('token', [''])
        return 'by_query' if self._is_token(asked[0]) else 'no_token'

    def cookie(self, environ: WSGIEnvironment) -> str:
        """The value of the `Set-Cookie` header that lets a browser in from now on.

        Args:
            environ: A request that presented the token.
        """
        secure = '; Secure' if environ['wsgi.url_scheme'] == 'https' else ''
        return f'{cookie_name(environ)}={self._pass}; Path=/; HttpOnly; SameSite=Lax{secure}'

    def _is_token(self, shown: str) -> bool:
        return self._token is not None and hmac.compare_digest(shown.encode(errors='replace'), self._token)


def cookie_name(environ: WSGIEnvironment) -> str:
    """The cookie's name, with the port: browsers send cookies to all ports of a host."""
    return f'streamtap_{environ["SERVER_PORT"]}'


def is_loopback(host: str) -> bool:
    """Whether an address or name is loopback, without asking DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == 'localhost'


def _host(header: str) -> str:
    try:
        return urlsplit(f'//{header}').hostname or ''
    except ValueError:
        return ''


def _cookie(header: str, name: str) -> str:
    # Not SimpleCookie, which stops at the first cookie it cannot parse: browsers send those of every port of the host.
    pairs = (cookie.strip().partition('=') for cookie in header.split(';'))
    return next((value for key, _, value in pairs if key == name), '')
