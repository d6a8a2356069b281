"""What a `PacedProvider` is told to say, what it is asked, and what it sent when."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from http.client import responses
from typing import Any, Literal, TypeAlias, cast

ChunkKind: TypeAlias = Literal['thinking', 'text', 'tool_call', 'tool_args']
"""What a content chunk holds: `tool_call` opens a call and carries its tool's name, `tool_args` a piece of its JSON."""


@dataclass(frozen=True, slots=True)
class Think:
    """One chunk of reasoning.

    Args:
        text: What the chunk holds; not empty.

    Raises:
        ValueError: If `text` is empty.
    """

    text: str

    def __post_init__(self) -> None:
        _require_text('Think.text', self.text)


@dataclass(frozen=True, slots=True)
class Say:
    """One chunk of the answer's text.

    Args:
        text: What the chunk holds; not empty.

    Raises:
        ValueError: If `text` is empty.
    """

    text: str

    def __post_init__(self) -> None:
        _require_text('Say.text', self.text)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: a chunk with the tool's name and no arguments, then the arguments.

    Args:
        tool: The tool's name.
        args: The arguments; a string is sent as it is, so it may be invalid JSON, or empty for no arguments chunk.
        id: The call's id; by default one which no other call of the provider has.
        pieces: The number of chunks which the arguments are cut into (never more than they have characters).

    Raises:
        ValueError: If `tool` is empty or `pieces` is less than 1.
        TypeError: If `args` cannot be written as JSON.
    """

    tool: str
    args: Mapping[str, object] | str
    id: str | None = None
    pieces: int = 1

    def __post_init__(self) -> None:
        _require_text('Call.tool', self.tool)
        if self.pieces < 1:
            raise ValueError(f'Call.pieces must be at least 1, not {self.pieces!r}')
        try:
            _ = self.arguments
        except (TypeError, ValueError) as error:
            raise TypeError(f'Call.args of {self.tool!r} cannot be written as JSON: {error}') from error

    @property
    def arguments(self) -> str:
        """The arguments as they are sent."""
        return self.args if isinstance(self.args, str) else json.dumps(dict(self.args))

    def split_arguments(self) -> tuple[str, ...]:
        """The arguments cut into chunks of nearly equal length, none of them empty."""
        text = self.arguments
        count = min(self.pieces, len(text))
        return tuple(text[len(text) * i // count : len(text) * (i + 1) // count] for i in range(count))


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence before the next step, on top of `Reply.every`.

    Args:
        seconds: Its length in seconds.

    Raises:
        TypeError: If `seconds` is not a number.
        ValueError: If `seconds` is negative or not finite.
    """

    seconds: float

    def __post_init__(self) -> None:
        _require_seconds('Pause.seconds', self.seconds)


@dataclass(frozen=True, slots=True)
class Hang:
    """Silence until the client goes away or the provider is closed; the last step of a reply."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed in the middle of the response; the last step of a reply."""


@dataclass(frozen=True, slots=True)
class Fail:
    """An error object in the middle of the stream, which ends it; the last step of a reply.

    As the only step of a reply with a status of 400 or more it is that response's error.

    Args:
        message: The error's message.
        code: The error's code, such as `429` or `'rate_limit_exceeded'`.
    """

    message: str
    code: int | str


Step: TypeAlias = Think | Say | Call | Pause | Hang | Drop | Fail


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The token counts which a reply reports.

    Args:
        input: Tokens of the prompt, with the cached ones.
        output: Tokens of the answer, with the reasoning ones; `None` counts one for each content chunk.
        cached: Tokens of the prompt which were read from the cache.
        reasoning: Tokens of the answer which were reasoning.

    Raises:
        ValueError: If a count is negative.
    """

    input: int = 10
    output: int | None = None
    cached: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        if min(self.input, self.output or 0, self.cached, self.reasoning) < 0:
            raise ValueError(f'token counts must not be negative: {self!r}')


@dataclass(frozen=True, slots=True)
class TimedChunk:
    """A content chunk of a reply and when it is due.

    Args:
        after: Seconds from the request's arrival.
        kind: What the chunk holds.
        text: The text, the reasoning, the tool's name or the piece of arguments.
        call: The call's index in the reply, if the chunk belongs to one.
    """

    after: float
    kind: ChunkKind
    text: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the provider and its pace; all times are deadlines from the request's arrival.

    Args:
        steps: What is sent, in order. `Hang`, `Drop` and `Fail` can only be the last step.
        status: HTTP status: 200, or 400 to 599 for an error, whose only step can be a `Fail`.
        headers_after: Seconds from the request's arrival to the response's headers.
        first_after: Seconds from the headers to the first content chunk.
        every: Seconds between successive content chunks.
        usage: The reported tokens; `None` if the provider reports none at all.
        finish_reason: By default `'tool_calls'` if there is a `Call`, else `'stop'`.
        model: The model's name in the response; by default the one which was asked for.

    Raises:
        TypeError: If a step is none of the known ones or a time is not a number.
        ValueError: If a time is negative or not finite, the status is out of range, or steps follow the last one.
    """

    steps: Sequence[Step] = ()
    _: KW_ONLY
    status: int = 200
    headers_after: float = 0.0
    first_after: float = 0.0
    every: float = 0.0
    usage: TokenUsage | None = TokenUsage()
    finish_reason: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, 'steps', _checked_steps(self.steps))
        _require_seconds('Reply.headers_after', self.headers_after)
        _require_seconds('Reply.first_after', self.first_after)
        _require_seconds('Reply.every', self.every)
        if self.status != 200 and not 400 <= self.status <= 599:
            raise ValueError(f'Reply.status must be 200 or 400 to 599, not {self.status!r}')
        if self.status != 200 and any(not isinstance(step, Fail) for step in self.steps):
            raise ValueError(f'the only step of a reply with status {self.status} can be a Fail')
        if self.usage and self.usage.output is None:
            object.__setattr__(self, 'usage', replace(self.usage, output=len(self.timetable()[0])))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tool calls, in order."""
        return tuple(step for step in self.steps if isinstance(step, Call))

    @property
    def ending(self) -> Hang | Drop | Fail | None:
        """The step which ends the reply before its time; `None` if it ends well."""
        last = self.steps[-1] if self.steps else None
        return last if isinstance(last, Hang | Drop | Fail) else None

    def timetable(self) -> tuple[tuple[TimedChunk, ...], float]:
        """The content chunks, and the seconds from the request's arrival to the end of the reply."""
        chunks: list[TimedChunk] = []
        after = self.headers_after + self.first_after
        calls = 0
        for step in self.steps:
            if isinstance(step, Pause):
                after += step.seconds
            for kind, text in _contents(step):
                after += self.every if chunks else 0.0
                chunks.append(TimedChunk(after, kind, text, calls if isinstance(step, Call) else None))
            calls += isinstance(step, Call)
        return tuple(chunks), after


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion request as the provider got it.

    Args:
        model: The model's name.
        messages: The messages as they were sent.
        tools: The names of the offered function tools.
        stream: Whether the answer was asked for as a stream.
        number: How many requests the provider had got before.
        include_usage: Whether a streamed answer was asked to report its tokens.
    """

    model: str
    messages: tuple[Mapping[str, object], ...]
    tools: tuple[str, ...]
    stream: bool
    number: int
    include_usage: bool = True

    @classmethod
    def parse(cls, body: bytes, *, number: int) -> ChatRequest:
        """Read the body of a request.

        Args:
            body: The JSON.
            number: How many requests came before.

        Raises:
            ValueError: If it is no chat completion request.
        """
        try:
            payload: dict[str, Any] = json.loads(body)
            options: dict[str, Any] = payload.get('stream_options') or {}
            return cls(
                model=payload['model'],
                messages=tuple(payload['messages']),
                tools=tuple(tool['function']['name'] for tool in payload.get('tools') or () if 'function' in tool),
                stream=bool(payload.get('stream')),
                number=number,
                include_usage=bool(options.get('include_usage')),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f'not a chat completion request: {error!r}') from error


@dataclass(frozen=True, slots=True)
class Wording:
    """The bytes of the HTTP response which brings a reply to a request.

    Args:
        reply: The reply.
        request: The request it answers.
    """

    reply: Reply
    request: ChatRequest

    def opening(self) -> bytes:
        """The headers of a stream and its first event, which has no content."""
        return _STREAM_HEAD + self._event({'role': 'assistant', 'content': ''})

    def chunk(self, chunk: TimedChunk) -> bytes:
        """The event of a content chunk."""
        if chunk.call is None:
            return self._event({'reasoning_content' if chunk.kind == 'thinking' else 'content': chunk.text})
        if chunk.kind == 'tool_call':
            return self._event({'tool_calls': [{'index': chunk.call, **self._call(chunk.call, '')}]})
        return self._event({'tool_calls': [{'index': chunk.call, 'function': {'arguments': chunk.text}}]})

    def closing(self) -> tuple[bytes, ...]:
        """The events after the content; the end of the stream is with the last, at which a client may hang up."""
        if isinstance(self.reply.ending, Fail):
            return (_event(_error(self.reply.ending)) + _STREAM_END,)
        finish = self._event({}, self._finish_reason())
        if self.reply.usage is None or not self.request.include_usage:
            return (finish + _STREAM_END,)
        no_choices: list[object] = []
        usage = {**self._envelope('chat.completion.chunk'), 'choices': no_choices, 'usage': self._usage()}
        return finish, _event(usage) + _STREAM_END

    def whole(self) -> bytes:
        """The whole response, if it is not streamed."""
        ending, status = self.reply.ending, self.reply.status
        if isinstance(ending, Fail):
            return _json_response(status if status != 200 else _status_of(ending), _error(ending))
        if status != 200:
            return error_response(status, responses.get(status, f'Error {status}'))
        message: dict[str, object] = {'role': 'assistant', 'content': self._text('text') or None}
        if thinking := self._text('thinking'):
            message['reasoning_content'] = thinking
        if calls := self.reply.calls:
            message['tool_calls'] = [self._call(index, call.arguments) for index, call in enumerate(calls)]
        choice = {'index': 0, 'message': message, 'finish_reason': self._finish_reason()}
        completion = {**self._envelope('chat.completion'), 'choices': [choice], 'usage': self._usage()}
        return _json_response(200, completion)

    def _event(self, delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {'index': 0, 'delta': delta, 'finish_reason': finish_reason}
        return _event({**self._envelope('chat.completion.chunk'), 'choices': [choice]})

    def _envelope(self, kind: str) -> dict[str, object]:
        model = self.reply.model or self.request.model
        return {'id': f'chatcmpl-{self.request.number}', 'object': kind, 'created': int(time.time()), 'model': model}

    def _call(self, index: int, arguments: str) -> dict[str, object]:
        call = self.reply.calls[index]
        function = {'name': call.tool, 'arguments': arguments}
        return {'id': call.id or f'call_{self.request.number}_{index}', 'type': 'function', 'function': function}

    def _finish_reason(self) -> str:
        return self.reply.finish_reason or ('tool_calls' if self.reply.calls else 'stop')

    def _text(self, kind: ChunkKind) -> str:
        return ''.join(chunk.text for chunk in self.reply.timetable()[0] if chunk.kind == kind)

    def _usage(self) -> dict[str, object] | None:
        usage = self.reply.usage
        if usage is None:
            return None
        output = usage.output or 0
        return {
            'prompt_tokens': usage.input,
            'completion_tokens': output,
            'total_tokens': usage.input + output,
            'prompt_tokens_details': {'cached_tokens': usage.cached},
            'completion_tokens_details': {'reasoning_tokens': usage.reasoning},
        }


def error_response(status: int, message: str) -> bytes:
    """The bytes of the HTTP response of an error.

    Args:
        status: The HTTP status, which is the error's code too.
        message: The error's message.
    """
    return _json_response(status, _error(Fail(message, status)))


@dataclass(frozen=True, slots=True)
class SentChunk:
    """A content chunk which left the provider.

    Args:
        at: Just after the write to the socket; like `began` in `time.perf_counter()` seconds.
        kind: What it held.
        text: The text, the reasoning, the tool's name or the piece of arguments.
        began: Just before the write. A client in the same process may see the chunk before `at`, as the thread which
            wrote it can have to wait for the interpreter to go on, but never before `began`.
    """

    at: float
    kind: ChunkKind
    text: str
    began: float


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


Script: TypeAlias = Sequence[Reply] | Callable[[ChatRequest], Reply]


def in_turn(script: Sequence[Reply]) -> Callable[[ChatRequest], Reply]:
    """The function which gives one reply after the other and raises `LookupError` when none is left.

    Args:
        script: The replies.

    Raises:
        TypeError: If the script is no sequence of replies.
        ValueError: If it is empty.
    """
    replies = _checked_replies(script)

    def next_reply(request: ChatRequest) -> Reply:
        if request.number >= len(replies):
            raise LookupError(f'the script is exhausted: it has {len(replies)} replies')
        return replies[request.number]

    return next_reply


def words(text: str, step: type[Say | Think] = Say) -> tuple[Say | Think, ...]:
    """Split a text into one step for each word, which lose no spaces when joined.

    Args:
        text: The text.
        step: `Say` or `Think`.

    Raises:
        ValueError: If there is no word in the text.
    """
    pieces: list[str] = re.findall(r'\s*\S+(?:\s+\Z)?', text)
    if not pieces:
        raise ValueError('words() needs a text with at least one word')
    return tuple(step(piece) for piece in pieces)


def _chunked(data: bytes) -> bytes:
    return b'%x\r\n%s\r\n' % (len(data), data)


def _event(payload: Mapping[str, object]) -> bytes:
    return _chunked(b'data: %s\n\n' % json.dumps(payload).encode())


_STREAM_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
_STREAM_END = _chunked(b'data: [DONE]\n\n') + _chunked(b'')


def _json_response(status: int, payload: Mapping[str, object]) -> bytes:
    body = json.dumps(payload).encode()
    head = f'HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
    return head.encode() + body


def _error(error: Fail) -> dict[str, object]:
    kind = 'invalid_request_error' if _status_of(error) < 500 else 'server_error'
    return {'error': {'message': error.message, 'type': kind, 'param': None, 'code': error.code}}


def _status_of(error: Fail) -> int:
    return error.code if isinstance(error.code, int) and 400 <= error.code <= 599 else 500


def _contents(step: Step) -> tuple[tuple[ChunkKind, str], ...]:
    if isinstance(step, Think):
        return (('thinking', step.text),)
    if isinstance(step, Say):
        return (('text', step.text),)
    if isinstance(step, Call):
        return ('tool_call', step.tool), *(('tool_args', piece) for piece in step.split_arguments())
    return ()


def _checked_steps(given: Sequence[object]) -> tuple[object, ...]:
    if isinstance(given, str):
        raise TypeError('Reply.steps must be a sequence of steps, not a string: use words() or [Say(...)]')
    steps = tuple(given)
    for step in steps:
        if not isinstance(step, Think | Say | Call | Pause | Hang | Drop | Fail):
            raise TypeError(f'not a step of a reply: {step!r}')
    for step in steps[:-1]:
        if isinstance(step, Hang | Drop | Fail):
            raise ValueError(f'{step!r} ends a reply, so no step can follow it')
    return steps


def _checked_replies(script: object) -> tuple[Reply, ...]:
    if not isinstance(script, Iterable):
        raise TypeError(f'the script must be a sequence of replies or a function, not {script!r}')
    replies: list[Reply] = []
    for reply in cast('Iterable[object]', script):
        if not isinstance(reply, Reply):
            raise TypeError(f'the script must be a sequence of replies or a function, but has {reply!r}')
        replies.append(reply)
    if not replies:
        raise ValueError('the script must have at least one reply')
    return tuple(replies)


def _require_text(name: str, text: str) -> None:
    if not text:
        raise ValueError(f'{name} must not be empty')


def _require_seconds(name: str, seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f'{name} must be a number of seconds, not {seconds!r}')
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f'{name} must be finite and not negative, not {seconds!r}')
