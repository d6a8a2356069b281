"""By which name a request came, and whether a proxy passed it on."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_HOST = re.compile(r'(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z.-]+))(?::[0-9]{1,5})?')
_OF_PROXIES = frozenset(
    f'HTTP_{name}'
    for name in (
        'FORWARDED',
        'VIA',
        'X_REAL_IP',
        'X_CLIENT_IP',
        'X_CLUSTER_CLIENT_IP',
        'X_ORIGINAL_HOST',
        'X_ENVOY_EXTERNAL_ADDRESS',
        'TRUE_CLIENT_IP',
        'CF_CONNECTING_IP',
        'FLY_CLIENT_IP',
    )
)


def is_loopback(host: str) -> bool:
    """Whether an address or name is loopback, without asking DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == 'localhost'


def names_loopback(environ: WSGIEnvironment) -> bool:
    """Whether the request's `Host` is loopback, with any port: a port may have been forwarded."""
    found = _HOST.fullmatch(environ.get('HTTP_HOST', ''))
    return found is not None and is_loopback(found['v6'] or found['name'])


def is_forwarded(environ: WSGIEnvironment) -> bool:
    """Whether a proxy says that it passed the request on."""
    return any(name in _OF_PROXIES or name.startswith('HTTP_X_FORWARDED') for name in environ)


def is_https(environ: WSGIEnvironment) -> bool:
    """Whether the browser uses TLS, as far as this server or the proxy before it says."""
    if environ['wsgi.url_scheme'] == 'https':
        return True
    first = environ.get('HTTP_X_FORWARDED_PROTO', '').partition(',')[0]
    standard = environ.get('HTTP_FORWARDED', '').partition(',')[0].replace('"', '')
    pairs = [pair.strip().lower() for pair in standard.split(';')]
    return first.strip().lower() == 'https' or 'proto=https' in pairs
