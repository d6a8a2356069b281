"""Who may look at the live view: on loopback whoever asks for loopback, elsewhere who has the token."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
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
        token: What must be shown to see it; `None` on loopback only.

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
            raise ValueError(f'token must have at least {SHORTEST_TOKEN} characters, as secrets.token_urlsafe() has')
        self._token = None if token is None else token.encode()
        # What is stored in browsers opens this page, and does not tell the token.
        self._pass = (
            '' if token is None else hmac.new(token.encode(), b'streamtap live view', hashlib.sha256).hexdigest()
        )

    def verdict(self, environ: WSGIEnvironment) -> Verdict:
        """Whether a request may see the page, or why not.

        Args:
            environ: The request.
        """
        if self._token is None:
            # A name that leads here by way of somebody else's DNS must not let their page read this one.
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
        """The header that lets a browser in from now on.

        Args:
            environ: A request that showed the token.
        """
        secure = '; Secure' if environ['wsgi.url_scheme'] == 'https' else ''
        return f'{cookie_name(environ)}={self._pass}; Path=/; HttpOnly; SameSite=Lax{secure}'

    def _is_token(self, shown: str) -> bool:
        return self._token is not None and hmac.compare_digest(shown.encode(errors='replace'), self._token)


def cookie_name(environ: WSGIEnvironment) -> str:
    """The cookie's name, with the port: browsers keep one jar for all ports of a host."""
    return f'streamtap_{environ["SERVER_PORT"]}'


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, whatever a DNS says."""
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
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ''
    return '' if found is None else found.value
