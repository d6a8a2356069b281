"""A chat-completions server on loopback which streams a timed script and remembers when each chunk left."""

from __future__ import annotations

import asyncio
import json
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._script import ChatRequest, ChunkKind, Drop, Fail, Hang, Reply, Script, Wording, error_body

if TYPE_CHECKING:
    from types import TracebackType

_PunctualSelector = selectors.DefaultSelector
_BACKLOG = 1024
_MAX_HEAD = 2**18


@dataclass(frozen=True, slots=True)
class SentChunk:
    """A content chunk which left the provider.

    Args:
        at: When it was written to the socket, in `time.perf_counter()` seconds.
        kind: What it held.
        text: The text, the reasoning, the tool's name or the piece of arguments.
    """

    at: float
    kind: ChunkKind
    text: str


@dataclass(frozen=True, slots=True)
class Served:
    """What the provider did about one request; all times are `time.perf_counter()` seconds.

    Args:
        request: The request.
        received_at: When the whole request had been read.
        headers_at: When the response's headers left, if they did.
        chunks: The content chunks which were streamed; none of an unstreamed response.
        finished_at: When the response ended, however it ended; `None` while it goes on.
        disconnected: Whether the client went away before the whole response had been written.
    """

    request: ChatRequest
    received_at: float
    headers_at: float | None
    chunks: tuple[SentChunk, ...]
    finished_at: float | None
    disconnected: bool

    @property
    def time_to_first_chunk(self) -> float | None:
        """Seconds from the request's arrival to the first content chunk; `None` without one."""
        return self.chunks[0].at - self.received_at if self.chunks else None

    @property
    def window(self) -> float | None:
        """Seconds from the first content chunk to the last; `None` without one."""
        return self.chunks[-1].at - self.chunks[0].at if self.chunks else None


class PacedProvider:
    """An OpenAI-compatible provider which answers by a timed script.

    It runs in a daemon thread with an event loop of its own, so a client which blocks its loop does not delay it.
    Use it as a context manager, or call `start` and `close`.

    Args:
        script: The replies, given in turn, or a function from a request to its reply. The function is called in the
            provider's thread and must not block. If it raises, or no reply is left, the answer is a status 500.
        port: The TCP port on the loopback interface; 0 takes a free one.

    Raises:
        TypeError: If the script is neither a sequence of replies nor callable.
        ValueError: If the script is empty or the port is out of range.
    """

    def __init__(self, script: Script, *, port: int = 0) -> None:
        self._script = script if callable(script) else _in_turn(script)
        if not 0 <= port <= 65535:
            raise ValueError(f'port must be from 0 to 65535, not {port!r}')
        self._port = port
        self._address: tuple[str, int] | None = None
        self._lock = threading.Lock()
        self._exchanges: list[_Exchange] = []
        self._errors: list[Exception] = []
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event, threading.Thread] | None = None

    def start(self) -> None:
        """Listen and serve.

        Raises:
            OSError: If the port is busy.
            RuntimeError: If the provider runs already.
        """
        if self._running:
            raise RuntimeError('the provider runs already')
        listener = socket.create_server(('127.0.0.1', self._port), backlog=_BACKLOG)
        self._address = listener.getsockname()
        loop, stop = asyncio.SelectorEventLoop(_PunctualSelector()), asyncio.Event()
        thread = threading.Thread(target=self._run, args=(loop, listener, stop), name='paced-provider', daemon=True)
        self._running = loop, stop, thread
        thread.start()

    def close(self) -> None:
        """End all streams, stop listening and wait until the thread has ended; does nothing when not running."""
        running, self._running = self._running, None
        if running:
            loop, stop, thread = running
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    def __enter__(self) -> PacedProvider:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The URL for an OpenAI client.

        Raises:
            RuntimeError: If the provider was never started.
        """
        if self._address is None:
            raise RuntimeError('the provider has no address before start()')
        return f'http://{self._address[0]}:{self._address[1]}/v1'

    @property
    def served(self) -> tuple[Served, ...]:
        """What was done about each chat request so far, in order of arrival; may be read from any thread."""
        with self._lock:
            return tuple(exchange.snapshot() for exchange in self._exchanges)

    @property
    def errors(self) -> tuple[Exception, ...]:
        """What the script raised so far, a `LookupError` for each request after its last reply included."""
        with self._lock:
            return tuple(self._errors)

    def _run(self, loop: asyncio.AbstractEventLoop, listener: socket.socket, stop: asyncio.Event) -> None:
        try:
            loop.run_until_complete(self._serve(listener, stop))
        finally:
            loop.close()

    async def _serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        server = await asyncio.get_running_loop().create_server(self._connect, sock=listener, backlog=_BACKLOG)
        await stop.wait()
        server.close()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # A connection accepted just now closes its socket in a callback which the loop has yet to run.
            await asyncio.sleep(0)
        await server.wait_closed()

    def _connect(self) -> asyncio.Protocol:
        reader = _Reader()
        return asyncio.StreamReaderProtocol(reader, lambda _, writer: self._converse(reader, writer))

    async def _converse(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        # asyncio leaves Nagle's algorithm on for sockets accepted from a listener made without a protocol number.
        writer.get_extra_info('socket').setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.transport.set_write_buffer_limits(high=0)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # The client went away or does not speak HTTP.
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: _Reader, writer: asyncio.StreamWriter) -> bool:
        """Answer the next request and return whether the connection stays open."""
        target, headers, body = await _read_request(reader)
        received_at = time.perf_counter()
        stays = headers.get('connection', '').lower() != 'close'
        if target != 'POST /v1/chat/completions':
            await _write(writer, _json_response(404, error_body(Fail(f'nothing is served at {target!r}', 404))))
            return stays
        try:
            payload: dict[str, Any] = json.loads(body)
            request = ChatRequest.parse(payload, number=len(self._exchanges))
            usage_wanted = bool((payload.get('stream_options') or {}).get('include_usage'))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            await _write(
                writer, _json_response(400, error_body(Fail(f'not a chat completion request: {error!r}', 400)))
            )
            return stays
        exchange = _Exchange(received_at, reader, writer, request)
        with self._lock:
            self._exchanges.append(exchange)
        reply = self._ask(request)
        try:
            return await exchange.carry_out(reply, usage_wanted=usage_wanted) and stays
        except OSError:
            exchange.disconnected = True
            return False
        finally:
            exchange.finished_at = time.perf_counter()

    def _ask(self, request: ChatRequest) -> Reply:
        try:
            reply: object = self._script(request)
            if not isinstance(reply, Reply):
                raise TypeError(f'the script must return a Reply, not {reply!r}')
        except Exception as error:
            with self._lock:
                self._errors.append(error)
            return Reply([Fail(f'{type(error).__name__}: {error}', 500)], status=500)
        return reply


@dataclass(slots=True)
class _Exchange:
    """One request and what is done about it; only the provider's thread writes to it."""

    received_at: float
    reader: _Reader
    writer: asyncio.StreamWriter
    request: ChatRequest
    headers_at: float | None = None
    chunks: list[SentChunk] = field(default_factory=list[SentChunk])
    finished_at: float | None = None
    disconnected: bool = False

    def snapshot(self) -> Served:
        chunks = tuple(self.chunks)
        return Served(self.request, self.received_at, self.headers_at, chunks, self.finished_at, self.disconnected)

    async def carry_out(self, reply: Reply, *, usage_wanted: bool) -> bool:
        """Send the reply at its pace and return whether the connection can be used again."""
        wording = Wording(reply, self.request)
        if self.request.stream and reply.status == 200:
            await self._stream(reply, wording, usage_wanted=usage_wanted)
        else:
            await self._until(reply.timetable()[1])
            if isinstance(reply.ending, Hang):
                await self._until(math.inf)
            if not isinstance(reply.ending, Drop):
                self.headers_at = await _write(self.writer, _json_response(*wording.whole()))
        return not isinstance(reply.ending, Drop)

    async def _stream(self, reply: Reply, wording: Wording, *, usage_wanted: bool) -> None:
        chunks, end = reply.timetable()
        await self._until(reply.headers_after)
        self.headers_at = await _write(self.writer, _STREAM_HEAD + _event(wording.opening()))
        for chunk in chunks:
            data = _event(wording.chunk(chunk))
            await self._until(chunk.after)
            self.chunks.append(SentChunk(await _write(self.writer, data), chunk.kind, chunk.text))
        await self._until(end)
        if isinstance(reply.ending, Hang):
            await self._until(math.inf)
        if isinstance(reply.ending, Fail):
            # One write, as a client closes the connection as soon as it reads the error.
            await _write(self.writer, _event(error_body(reply.ending)) + _STREAM_END)
        elif reply.ending is None:
            await _write(self.writer, _event(wording.finish()))
            if usage_wanted and reply.usage:
                await _write(self.writer, _event(wording.usage()))
            await _write(self.writer, _STREAM_END)

    async def _until(self, after: float) -> None:
        # Without this a stream with no pauses would neither let others run nor notice that its client is gone.
        await asyncio.sleep(0)
        gone, due = self.reader.gone, self.received_at + after
        while not gone.done() and (delay := due - time.perf_counter()) > 0:
            await asyncio.wait((gone,), timeout=delay if math.isfinite(delay) else None)
        if gone.done():
            raise ConnectionResetError('the client went away')


class _Reader(asyncio.StreamReader):
    """A stream reader which tells of the end of the input without reading up to it."""

    def __init__(self) -> None:
        super().__init__(limit=_MAX_HEAD)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed_eof(self) -> None:
        super().feed_eof()
        self._tell()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self._tell()

    def _tell(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


async def _read_request(reader: _Reader) -> tuple[str, dict[str, str], bytes]:
    start, *lines = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1').strip().split('\r\n')
    method, path, _ = start.split(' ')
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(':') for line in lines)}
    return f'{method} {path}', headers, await reader.readexactly(int(headers.get('content-length', '0')))


async def _write(writer: asyncio.StreamWriter, data: bytes) -> float:
    """Write the bytes and return when the kernel had taken them."""
    writer.write(data)
    await writer.drain()
    return time.perf_counter()


_STREAM_HEAD = (
    b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n'
    b'Transfer-Encoding: chunked\r\n\r\n'
)


def _chunked(data: bytes) -> bytes:
    return b'%x\r\n%s\r\n' % (len(data), data)


def _event(payload: Mapping[str, object]) -> bytes:
    return _chunked(b'data: %s\n\n' % json.dumps(payload).encode())


_STREAM_END = _chunked(b'data: [DONE]\n\n') + _chunked(b'')


def _json_response(status: int, payload: Mapping[str, object]) -> bytes:
    body = json.dumps(payload).encode()
    head = f'HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
    return head.encode() + body


def _in_turn(script: Sequence[Reply]) -> Callable[[ChatRequest], Reply]:
    replies: tuple[object, ...] = tuple(script)
    if not replies:
        raise ValueError('the script must have at least one reply')
    for reply in replies:
        if not isinstance(reply, Reply):
            raise TypeError(f'the script must be replies or a function, not {reply!r}')

    def next_reply(request: ChatRequest) -> Reply:
        if request.number >= len(script):
            raise LookupError(f'the script is exhausted: request {request.number + 1} of {len(script)} replies')
        return script[request.number]

    return next_reply
