"""The cookie that lets a browser in which has shown the token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from streamtap._web.hosts import is_https

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from streamtap._base.clock import Clock

MAX_AGE = 12 * 3600
"""Seconds for which a cookie is good: a day's work."""

_SIGNATURE_LENGTH = hashlib.sha256().digest_size * 2


class Pass:
    """Makes cookies and checks them.

    They tell nothing of the token, and are good for this one server, until it is closed or 12 hours are over.

    Args:
        clock: The clock to read.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._key = secrets.token_bytes(32)

    def cookie(self, environ: WSGIEnvironment) -> str:
        """The value of the `Set-Cookie` header.

        It is `Lax` and not `Strict`, because a browser that comes by a link, for instance from a chat, would not send a
        strict one on with the redirect that takes the token out of the address.

        Args:
            environ: A request that showed the token.
        """
        expires = str(int(self._age()) + MAX_AGE)
        # With the port in its name: browsers send cookies to all ports of a host. `__Host-` keeps those of other hosts
        # of the same domain away, and browsers take it over TLS only.
        prefix, secure = ('__Host-', '; Secure') if is_https(environ) else ('', '')
        name = f'{prefix}{_name(environ)}'
        value = f'{expires}.{self._signature(expires)}'
        return f'{name}={value}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}'

    def is_shown(self, environ: WSGIEnvironment) -> bool:
        """Whether one of the request's cookies is good; any others, however many and malformed, do not matter.

        Args:
            environ: The request.
        """
        # Not SimpleCookie, which stops at the first cookie it cannot parse: browsers send those of every port of the
        # host. And not only the first of the name: a page elsewhere on the host can set one that comes before ours.
        names = {_name(environ), f'__Host-{_name(environ)}'}
        pairs = (cookie.strip().partition('=') for cookie in environ.get('HTTP_COOKIE', '').split(';'))
        return any(name in names and self._is_good(value) for name, _, value in pairs)

    def _is_good(self, value: str) -> bool:
        expires, _, signature = value.partition('.')
        if len(signature) != _SIGNATURE_LENGTH or not value.isascii():
            return False
        # Only what was signed here is read as a number.
        return hmac.compare_digest(signature, self._signature(expires)) and self._age() < int(expires)

    def _signature(self, expires: str) -> str:
        return hmac.new(self._key, expires.encode(), hashlib.sha256).hexdigest()

    def _age(self) -> float:
        return self._clock.monotonic() - self._began


def _name(environ: WSGIEnvironment) -> str:
    return f'streamtap_{environ["SERVER_PORT"]}'
