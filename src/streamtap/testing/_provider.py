"""A chat-completions server on loopback that streams a timed script and records when each chunk left."""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import socket
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from streamtap.testing._openai_wire import Wording, error_response
from streamtap.testing._request import ChatRequest, Script, in_turn
from streamtap.testing._script import Drop, Fail, Hang, Reply, TimedChunk
from streamtap.testing._served import SentChunk, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Api:
    """How requests of an API are read, and how replies are worded in it."""

    parse: Callable[..., ChatRequest]
    wording: type[Wording]


CHAT = Api(ChatRequest.parse, Wording)


class PacedProvider:
    """An OpenAI-compatible provider that answers from a timed script.

    It runs in a daemon thread with an event loop of its own, so a client that blocks its loop does not delay it.
    Use it as a context manager, or call `start` and `close`.

    Args:
        script: The replies, given in turn, or a function from a request to its reply. The function is called in the
            provider's thread and must not block. If it raises, or no reply is left, the response has status 500.
        port: The TCP port on the loopback interface; 0 takes a free one.
        keep: How many of the last requests `served` remembers.

    Raises:
        TypeError: If the script is neither a sequence of replies nor callable.
        ValueError: If the script is empty, the port is out of range or `keep` is less than 1.
    """

    _apis: ClassVar[Mapping[str, Api]] = {'POST /v1/chat/completions': CHAT}
    """By method and path."""

    def __init__(self, script: Script, *, port: int = 0, keep: int = 10_000) -> None:
        self._script: Callable[[ChatRequest], object] = script if callable(script) else in_turn(script)
        if not 0 <= port <= 65535:
            raise ValueError(f'port must be from 0 to 65535, not {port!r}')
        if keep < 1:
            raise ValueError(f'keep must be at least 1, not {keep!r}')
        self._port = port
        self._address: tuple[str, int] | None = None
        self._lock = threading.Lock()
        self._exchanges: deque[_Exchange] = deque(maxlen=keep)
        self._count = 0
        self._errors: list[Exception] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None

    def start(self) -> None:
        """Listen and serve.

        Raises:
            OSError: If the port is in use.
            RuntimeError: If the provider is already running.
        """
        if self._running:
            raise RuntimeError('the provider is already running')
        listener = socket.create_server(('127.0.0.1', self._port))
        self._address = listener.getsockname()
        loop = asyncio.SelectorEventLoop(_PunctualSelector())
        self._stop = asyncio.Event()
        thread = threading.Thread(target=self._run, args=(loop, listener), name='paced-provider', daemon=True)
        self._running = loop, thread
        thread.start()

    def close(self) -> None:
        """End all streams, stop listening and wait until the thread has ended; does nothing if it is not running."""
        running, self._running = self._running, None
        if running:
            loop, thread = running
            loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    def __enter__(self) -> PacedProvider:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
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
        """How each chat request so far was answered, in order of arrival; may be read from any thread."""
        with self._lock:
            return tuple(exchange.snapshot() for exchange in self._exchanges)

    @property
    def errors(self) -> tuple[Exception, ...]:
        """What the script has raised so far, including a `LookupError` for each request after its last reply."""
        with self._lock:
            return tuple(self._errors)

    def _run(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        try:
            loop.run_until_complete(self._serve(listener))
        finally:
            loop.close()

    async def _serve(self, listener: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(self._connect, sock=listener, backlog=1024)
        await self._stop.wait()
        # Closed at the end: asyncio fails to set up a connection that it accepted just before its server was closed.
        server.get_loop().remove_reader(listener)
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in self._writers:
                writer.transport.abort()
            # With a timeout, as one of the tasks may be the start of a connection that has no writer yet.
            await asyncio.wait(tasks, timeout=0.01)
        server.close()
        await server.wait_closed()

    def _connect(self) -> asyncio.Protocol:
        reader = _Reader()
        return asyncio.StreamReaderProtocol(reader, lambda _, writer: self._converse(reader, writer))

    async def _converse(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        # asyncio leaves Nagle's algorithm on for sockets accepted from a listener made without a protocol number.
        writer.get_extra_info('socket').setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.transport.set_write_buffer_limits(high=0)
        self._writers.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # The client went away or does not send HTTP, or the provider is closing.
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: _Reader, writer: asyncio.StreamWriter) -> bool:
        """Answer the next request; returns whether the connection stays open."""
        target, headers, body = await _read_request(reader)
        received_at = time.perf_counter()
        stays = headers.get('connection', '').lower() != 'close'
        api = self._apis.get(target)
        if api is None:
            await _write(writer, error_response(404, f'nothing is served at {target!r}'))
            return stays
        try:
            request = api.parse(body, number=self._count)
        except ValueError as error:
            await _write(writer, error_response(400, str(error)))
            return stays
        exchange = _Exchange(received_at, reader, writer, request, api.wording)
        with self._lock:
            self._exchanges.append(exchange)
            self._count += 1
        try:
            return await exchange.carry_out(self._ask(request)) and stays
        except OSError:
            exchange.disconnected = not self._stop.is_set()
            return False
        finally:
            exchange.finished_at = time.perf_counter()

    def _ask(self, request: ChatRequest) -> Reply:
        try:
            reply = self._script(request)
            if not isinstance(reply, Reply):
                raise TypeError(f'the script must return a Reply, not {reply!r}')
        except Exception as error:
            with self._lock:
                self._errors.append(error)
            return Reply([Fail(f'{type(error).__name__}: {error}', 500)], status=500)
        return reply


@dataclass(slots=True)
class _Exchange:
    """One request and its response; only the provider's thread writes to it."""

    received_at: float
    reader: _Reader
    writer: asyncio.StreamWriter
    request: ChatRequest
    wording: type[Wording]
    headers_at: float | None = None
    chunks: list[SentChunk] = field(default_factory=list[SentChunk])
    finished_at: float | None = None
    disconnected: bool = False

    def snapshot(self) -> Served:
        chunks = tuple(self.chunks)
        return Served(self.request, self.received_at, self.headers_at, chunks, self.finished_at, self.disconnected)

    async def carry_out(self, reply: Reply) -> bool:
        """Send the reply at its pace; returns whether the connection can be used again."""
        wording, ending = self.wording(reply, self.request), reply.ending
        chunks, end = reply.timetable()
        streams = self.request.stream and reply.status == 200
        if streams:
            await self._stream(reply, wording, chunks)
        await self._until(end if reply.status == 200 else reply.headers_after)
        if isinstance(ending, Hang):
            await self._until(math.inf)
        if isinstance(ending, Drop):
            return False
        *early, last = wording.closing() if streams else (wording.whole(),)
        for data in early:
            await _write(self.writer, data)
        # The times are recorded before the end is sent, so that they are there for a client that has received it.
        self.finished_at = time.perf_counter()
        self.headers_at = self.headers_at or self.finished_at
        await _write(self.writer, last)
        return True

    async def _stream(self, reply: Reply, wording: Wording, chunks: Sequence[TimedChunk]) -> None:
        opening, batch = wording.opening(), reply.batch
        await self._until(reply.headers_after)
        self.headers_at = time.perf_counter()
        self.headers_at = await _write(self.writer, opening)
        for start in range(0, len(chunks), batch):
            together = chunks[start : start + batch]
            data = b''.join(wording.chunk(chunk, sent=start + number) for number, chunk in enumerate(together))
            await self._until(together[-1].after)
            began = time.perf_counter()
            self.chunks += [_sent(chunk, began, began) for chunk in together]
            at = await _write(self.writer, data)
            self.chunks[start:] = [_sent(chunk, at, began) for chunk in together]

    async def _until(self, after: float) -> None:
        # Without this a stream with no pauses would neither let others run nor notice that its client is gone.
        await asyncio.sleep(0)
        gone, due = self.reader.gone, self.received_at + after
        while not gone.done() and (delay := due - time.perf_counter()) > 0:
            await asyncio.wait((gone,), timeout=delay if math.isfinite(delay) else None)
        if gone.done():
            raise ConnectionResetError('the client went away')


if sys.platform == 'linux':

    class _PunctualSelector(selectors.EpollSelector):
        """A selector that keeps the microseconds of a timeout, which epoll rounds up to a millisecond."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout and timeout > 0 and self.fileno() < 1024:  # select() takes no descriptor above that.
                select.select((self.fileno(),), (), (), timeout)
                timeout = 0
            return super().select(timeout)
else:
    _PunctualSelector = selectors.DefaultSelector


class _Reader(asyncio.StreamReader):
    """A stream reader that signals the end of the input before everything up to it was read."""

    def __init__(self) -> None:
        super().__init__(limit=2**18)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed_eof(self) -> None:
        super().feed_eof()
        self._signal()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self._signal()

    def _signal(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


async def _read_request(reader: _Reader) -> tuple[str, dict[str, str], bytes]:
    start, *lines = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1').strip().split('\r\n')
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(':') for line in lines)}
    length = headers.get('content-length', '')
    return start.rpartition(' ')[0], headers, await reader.readexactly(int(length) if length.isdecimal() else 0)


def _sent(chunk: TimedChunk, at: float, began: float) -> SentChunk:
    return SentChunk(at, chunk.kind, chunk.text, began, chunk.tokens)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> float:
    """Write the bytes; returns the time at which the kernel had taken them."""
    writer.write(data)
    await writer.drain()
    return time.perf_counter()
