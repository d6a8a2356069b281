"""Clients that mean no good, each for a bounded time and in a bounded number, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Attack = Callable[[int, str, float, int], Awaitable[None]]

MEGABYTES = 16

GONE = (OSError, asyncio.TimeoutError)


async def _connection(port: int, *, buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    client.settimeout(0)
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(client, ('127.0.0.1', port)), 2)
    except BaseException:
        client.close()
        raise
    return client


async def _all(clients: int, one: Callable[[], Awaitable[None]]) -> None:
    async def careless(number: int) -> None:
        # One after the other, so that none is held up by a full queue of the system.
        await asyncio.sleep(0.004 * number)
        with contextlib.suppress(*GONE):
            await one()

    await asyncio.gather(*(careless(number) for number in range(clients)))


def _request(path: str) -> bytes:
    return f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode()


async def silent(port: int, path: str, seconds: float, clients: int) -> None:
    """Connect, and say nothing."""

    async def one() -> None:
        with await _connection(port):
            await asyncio.sleep(seconds)

    await _all(clients, one)


async def slow(port: int, path: str, seconds: float, clients: int) -> None:
    """Never come to the end of a head, a header at a time."""
    loop = asyncio.get_running_loop()

    async def one() -> None:
        with await _connection(port) as client:
            await loop.sock_sendall(client, _request(path)[:-2])
            until = loop.time() + seconds
            while loop.time() < until:
                await asyncio.sleep(0.25)
                await loop.sock_sendall(client, b'X-More: 1\r\n')

    await _all(clients, one)


async def huge(port: int, path: str, seconds: float, clients: int) -> None:
    """Send heads of many headers of 60 kB each."""
    loop = asyncio.get_running_loop()
    header = b'X-Huge: ' + b'x' * 60_000 + b'\r\n'

    async def one() -> None:
        with await _connection(port) as client:
            await loop.sock_sendall(client, _request(path)[:-2])
            for _ in range(MEGABYTES * 1_000_000 // len(header)):
                await asyncio.wait_for(loop.sock_sendall(client, header), seconds)
                await asyncio.sleep(0.001)
            await asyncio.sleep(seconds)

    with contextlib.suppress(*GONE):
        await asyncio.wait_for(_all(clients, one), 2 * seconds)


async def resetting(port: int, path: str, seconds: float, clients: int) -> None:
    """Ask and reset the connection, in turn before, during and after the answer's begin, again and again."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds

    async def one() -> None:
        turn = 0
        while loop.time() < until:
            turn += 1
            with contextlib.suppress(*GONE):
                client = await _connection(port)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                with client:
                    await loop.sock_sendall(client, _request(path)[: 20 if turn % 3 == 0 else None])
                    if turn % 3 == 1:
                        await asyncio.wait_for(loop.sock_recv(client, 100), 1)
            await asyncio.sleep(0.1)

    await _all(clients, one)


async def unread(port: int, path: str, seconds: float, clients: int) -> None:
    """Ask, and never read the answer."""
    loop = asyncio.get_running_loop()

    async def one() -> None:
        with await _connection(port, buffer=2048) as client:
            await loop.sock_sendall(client, _request(path))
            await asyncio.sleep(seconds)

    await _all(clients, one)


async def too_many(port: int, path: str, seconds: float, clients: int) -> None:
    """Ask and read, all at once, and begin again."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds

    async def one() -> None:
        while loop.time() < until:
            with contextlib.suppress(*GONE), await _connection(port) as client:
                await loop.sock_sendall(client, _request(path))
                while loop.time() < until and await asyncio.wait_for(loop.sock_recv(client, 1 << 16), 1):
                    pass
            await asyncio.sleep(0.5)

    await _all(clients, one)
