"""The socket on which a server listens, and the TLS that it speaks there."""

from __future__ import annotations

import socket
import ssl

BACKLOG = 64
"""How many clients the system keeps waiting."""


def listening(addr: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        addr: The address, or a name of it.
        port: The port; 0 takes any free one.

    Raises:
        OSError: If the port is in use, or the address is not this machine's.
    """
    found = socket.getaddrinfo(addr or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def server_tls(
    certfile: str,
    keyfile: str,
    *,
    client_cafile: str | None,
    client_capath: str | None,
    client_auth_required: bool,
    min_version: ssl.TLSVersion | None,
) -> ssl.SSLContext:
    """What a server needs for TLS.

    Args:
        certfile: Path of its certificate.
        keyfile: Path of its key.
        client_cafile: Path of the authority of client certificates.
        client_capath: The same, as a directory.
        client_auth_required: Whether clients must present a certificate.
        min_version: The lowest version to accept; `None` for the default of Python's `ssl`.

    Raises:
        OSError: If a file cannot be read, or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise type(error)(f'cannot load the certificate {certfile!r} or its key {keyfile!r}: {error}') from error
    if client_cafile is None and client_capath is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    else:
        try:
            context.load_verify_locations(client_cafile, client_capath)
        except OSError as error:
            authority = f'{client_cafile!r} or {client_capath!r}'
            raise type(error)(f'cannot load the certificate authority {authority}: {error}') from error
    if client_auth_required:
        context.verify_mode = ssl.CERT_REQUIRED
    if min_version is not None:
        context.minimum_version = min_version
    return context
