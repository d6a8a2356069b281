"""A provider on loopback that replays a recorded conversation, event by event, and remembers when each event left."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

_EVENT = re.compile(r'.+?(?:\r?\n\r?\n|\Z)', re.DOTALL)


@dataclass(frozen=True)
class Turn:
    """One recorded response: the request that it answered, and its server-sent events with their line ends."""

    method: str
    path: str
    model: str | None
    tools: tuple[str, ...]
    status: int
    content_type: str
    events: tuple[str, ...]

    @property
    def first_content(self) -> int:
        """The place of the first event that brings thinking, text, or the beginning of a tool call."""
        return next(place for place, event in enumerate(self.events) if any(map(_has_content, _data(event))))


@dataclass(frozen=True)
class Conversation:
    """The recorded turns of one run."""

    name: str
    turns: tuple[Turn, ...]

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that the requests declared, each once."""
        return tuple(dict.fromkeys(tool for turn in self.turns for tool in turn.tools))


def load(path: Path) -> Conversation:
    """Read a recording."""
    recorded = json.loads(path.read_text(encoding='utf-8'))
    return Conversation(name=recorded['name'], turns=tuple(_turn(turn) for turn in recorded['turns']))


def _turn(turn: dict[str, Any]) -> Turn:
    return Turn(
        method=turn['method'],
        path=turn['path'],
        model=turn['model'],
        tools=tuple(_flat(turn['tools'])),
        status=turn['status'],
        content_type=turn['content_type'],
        events=tuple(_EVENT.findall(turn['body'])),
    )


def _flat(names: Sequence[str | list[str]]) -> list[str]:
    # Google groups the functions of a tool.
    return [name for entry in names for name in ([entry] if isinstance(entry, str) else entry)]


def _data(event: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix('data:').strip() for line in event.splitlines() if line.startswith('data:')]
    return [json.loads(line) for line in lines if line != '[DONE]']


def _has_content(data: dict[str, Any]) -> bool:
    kind = str(data.get('type', ''))
    if kind == 'content_block_start':  # Anthropic
        return bool(data['content_block'].get('name'))
    if kind == 'content_block_delta':
        delta: dict[str, Any] = data['delta']
        return any(delta.get(name) for name in ('text', 'thinking', 'partial_json'))
    if kind == 'response.output_item.added':  # OpenAI responses
        return data['item']['type'].endswith('_call')
    if kind.startswith('response.'):
        return kind.endswith('.delta') and bool(data['delta'])
    if 'candidates' in data:  # Google
        return any(candidate['content']['parts'] for candidate in data['candidates'])
    if data.get('choices'):  # chat completions
        delta = data['choices'][0]['delta']
        return any(delta.get(name) for name in ('content', 'reasoning', 'reasoning_content', 'tool_calls'))
    return False


@dataclass
class Served:
    """What happened to one request; times are Unix seconds."""

    turn: Turn | None
    method: str
    path: str
    body: dict[str, Any]
    received: float
    left: list[float] = field(default_factory=list[float])
    """When each event of the turn was written, in order."""


class ReplayServer:
    """Serves a conversation's turns in order from a thread; what comes after the last turn is answered with a 500.

    Args:
        conversation: What to replay.
        first_after: Seconds from the request to the first event.
        pace: Seconds between two events.
    """

    def __init__(self, conversation: Conversation, *, first_after: float = 0.03, pace: float = 0.0005) -> None:
        self.served: list[Served] = []
        self._conversation = conversation
        self._first_after = first_after
        self._pace = pace
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name='replay', daemon=True)

    @property
    def url(self) -> str:
        """The root of the provider, without a slash at its end."""
        return f'http://127.0.0.1:{self._server.server_port}'

    def __enter__(self) -> ReplayServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler, body: dict[str, Any], received: float) -> None:
        """Answer a request with the next turn."""
        with self._lock:
            place = len(self.served)
            turns = self._conversation.turns
            turn = turns[place] if place < len(turns) else None
            served = Served(turn, request.command, request.path, body, received)
            self.served.append(served)
        request.close_connection = True
        if turn is None:
            request.send_error(500, 'nothing more was recorded')
            return
        request.send_response(turn.status)
        request.send_header('Content-Type', turn.content_type)
        request.send_header('Transfer-Encoding', 'chunked')
        request.send_header('Connection', 'close')
        request.end_headers()
        try:
            for place, event in enumerate(turn.events):
                time.sleep(self._pace if place else self._first_after)
                piece = event.encode()
                served.left.append(time.time())
                request.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
            request.wfile.write(b'0\r\n\r\n')
        except OSError:  # the client left in mid-stream
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing the server waits for its threads, so that no socket outlives a test

    def __init__(self, replay: ReplayServer) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.replay = replay


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    timeout = 10

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        cast('_Server', self.server).replay.answer(self, json.loads(body), time.time())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the base class)
        pass
