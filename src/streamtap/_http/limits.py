"""What one client, and all of them together, may take of the application."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a server.

    Args:
        connections: How many clients it has at a time. Default 48.
        accepts_per_second: How many clients it takes in a second. Default 250.
        head_bytes: How large a request's head may be. Default 16 KiB.
        head_seconds: How long a client may take for its TLS handshake and its head. Default 5.
        write_seconds: How long an answer may wait for its reader, in all. Default 10.
        bytes_per_second: For each so many bytes of an answer its reader has a second more. Default 1 MiB.
        buffer_bytes: How much of an answer the system may keep for a reader. Default 128 KiB.
        spare_descriptors: So many of the descriptors that the process may have are left to the application. Default 32.
    """

    connections: int = 48
    accepts_per_second: float = 250.0
    head_bytes: int = 16 * 1024
    head_seconds: float = 5.0
    write_seconds: float = 10.0
    bytes_per_second: float = 1024.0 * 1024.0
    buffer_bytes: int = 128 * 1024
    spare_descriptors: int = 32
