"""A proxy on the wire that stamps what passes: `python -m judges.wire PORT UPSTREAM LOG SHAPE`.

Each exchange becomes a line of the log when it is over. A shape changes how the events of a stream leave, as servers and
proxies do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from judges.shapes import SHAPES, Shape


@dataclass
class Exchange:
    """A request and what came back; times are of the monotonic clock, which all processes of the machine share.

    Args:
        path: Of the request.
        asked: When the first byte of the request came.
        request: Its body.
        status: Of the response, 0 if there was none.
        events: Each event of the stream, and when it left. A body that is no stream is one event.
        ended: When the last byte left.
        how: How it ended: `complete`, `server left` or `client left`.
    """

    path: str
    asked: float
    request: str = ''
    status: int = 0
    events: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    ended: float = 0.0
    how: str = ''


class Wire:
    """Passes one exchange per connection on.

    Args:
        upstream: The port of the server.
        log: Where the exchanges go.
        shape: How the events leave.
    """

    def __init__(self, upstream: int, log: Path, shape: str) -> None:
        self._upstream = upstream
        self._log = log
        self._shape = shape

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a request on, and its response back; a side that leaves makes the other one leave."""
        first = await reader.read(1)
        if not first:
            writer.close()
            return
        seen = Exchange('', time.monotonic())
        passing = asyncio.create_task(self._pass(first, reader, writer, seen))
        # The request may still be coming; only afterwards does the end of its side mean that the client left.
        leaving = asyncio.create_task(self._left(reader, seen))
        await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not passing.done():
            seen.how = 'client left'
        for task in (passing, leaving):
            task.cancel()
        await asyncio.gather(passing, leaving, return_exceptions=True)
        if seen.how == 'complete':
            with contextlib.suppress(OSError):
                await writer.drain()
                writer.close()
        else:
            writer.transport.abort()
        seen.ended = seen.ended or time.monotonic()
        with self._log.open('a', encoding='utf-8') as log:
            log.write(json.dumps(asdict(seen)) + '\n')

    async def _left(self, reader: asyncio.StreamReader, seen: Exchange) -> None:
        while not seen.request:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await reader.read(1)

    async def _pass(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Exchange
    ) -> None:
        head = first + await reader.readuntil(b'\r\n\r\n')
        seen.path = head.split(b' ', 2)[1].decode()
        body = await reader.readexactly(int(_header(head, b'content-length') or b'0'))
        seen.request = body.decode() or '-'
        seen.how = 'server left'
        upstream: asyncio.StreamWriter | None = None
        try:
            source, upstream = await asyncio.open_connection('127.0.0.1', self._upstream)
            kept = b'\r\n'.join(line for line in head.split(b'\r\n') if not line.lower().startswith(b'connection:'))
            upstream.write(kept[:-4] + b'\r\nConnection: close\r\n\r\n' + body)
            head = await source.readuntil(b'\r\n\r\n')
            seen.status = int(head.split(b' ', 2)[1])
            writer.write(head)
            if _header(head, b'transfer-encoding') == b'chunked':
                await self._stream(source, writer, seen)
            else:
                data = await source.readexactly(int(_header(head, b'content-length') or b'0'))
                writer.write(data)
                seen.events.append((time.monotonic(), data.decode()))
            seen.how = 'complete'
            seen.ended = time.monotonic()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            if upstream is not None:
                upstream.transport.abort()

    async def _stream(self, source: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Exchange) -> None:
        shape: Shape = SHAPES[self._shape]()
        text = b''
        while size := int(await source.readline(), 16):
            text += (await source.readexactly(size + 2))[:-2]
            *events, text = text.split(b'\n\n')
            for event in events:
                await self._send(shape.take(event.decode()), writer, seen)
        await self._send(shape.rest(), writer, seen)
        writer.write(b'0\r\n\r\n')

    async def _send(self, events: list[str] | None, writer: asyncio.StreamWriter, seen: Exchange) -> None:
        if events:
            data = ''.join(f'{event}\n\n' for event in events).encode()
            writer.write(f'{len(data):x}\r\n'.encode() + data + b'\r\n')
            left = time.monotonic()
            seen.events += [(left, event) for event in events]
            await writer.drain()


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b'\r\n')[1:]:
        found, _, value = line.partition(b':')
        if found.lower() == name:
            return value.strip().lower()
    return None


async def main(port: int, upstream: int, log: Path, shape: str) -> None:
    """Serve until the process is stopped."""
    wire = Wire(upstream, log, shape)
    server = await asyncio.start_server(wire.exchange, '127.0.0.1', port, limit=1 << 22)
    async with server:
        await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
