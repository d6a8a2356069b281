"""The script of a `PacedProvider`: replies, and the steps that they consist of."""

from __future__ import annotations

import json
import math
import re
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ChunkKind: TypeAlias = Literal['thinking', 'text', 'tool_call', 'tool_args']
"""What a content chunk holds: `tool_call` opens a call and carries its tool's name, `tool_args` a piece of its JSON."""


@dataclass(frozen=True, slots=True)
class Think:
    """One chunk of reasoning.

    Args:
        text: What the chunk holds; not empty.
        tokens: How many tokens it is, each of which takes `Reply.every`.

    Raises:
        ValueError: If `text` is empty or `tokens` is less than 1.
    """

    text: str
    tokens: int = 1

    def __post_init__(self) -> None:
        _require_text('Think.text', self.text)
        _require_tokens('Think.tokens', self.tokens)


@dataclass(frozen=True, slots=True)
class Say:
    """One chunk of the answer's text.

    Args:
        text: What the chunk holds; not empty.
        tokens: How many tokens it is, each of which takes `Reply.every`.

    Raises:
        ValueError: If `text` is empty or `tokens` is less than 1.
    """

    text: str
    tokens: int = 1

    def __post_init__(self) -> None:
        _require_text('Say.text', self.text)
        _require_tokens('Say.tokens', self.tokens)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: a chunk with the tool's name and no arguments, then the arguments.

    Args:
        tool: The tool's name.
        args: The arguments; a string is sent as it is, so it may be invalid JSON, or empty for no arguments chunk.
        id: The call's id; by default one that no other call of the provider has.
        pieces: The number of chunks that the arguments are cut into (never more than they have characters).

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
class Hidden:
    """Tokens that the model writes and nobody sees: reasoning, the markup of a tool call, the token that ends an answer.

    They take their time and are counted; `TokenUsage.reasoning` says whether they are reported as reasoning.

    Args:
        tokens: How many, each of which takes `Reply.every`.

    Raises:
        ValueError: If `tokens` is less than 1.
    """

    tokens: int = 1

    def __post_init__(self) -> None:
        _require_tokens('Hidden.tokens', self.tokens)


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

    As the only step of a reply with a status of 400 or more, it is the error of that response.

    Args:
        message: The error's message.
        code: The error's code, such as `429` or `'rate_limit_exceeded'`.
    """

    message: str
    code: int | str


Step: TypeAlias = Think | Say | Call | Hidden | Pause | Hang | Drop | Fail


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The token counts that a reply reports.

    Args:
        input: Tokens of the prompt, including the cached ones.
        output: Tokens of the answer, including the reasoning ones; `None` counts those of all steps, and one for each
            chunk of a tool call.
        cached: Tokens of the prompt that were read from the cache.
        reasoning: Tokens of the answer that were reasoning.
        cost: US dollars that the provider says it charged, in the words of OpenRouter; `None` if it does not say.
        repeated: Whether each content chunk of a stream says the usage so far, too, as some servers do.

    Raises:
        ValueError: If a count or the cost is negative.
    """

    input: int = 10
    output: int | None = None
    cached: int = 0
    reasoning: int = 0
    _: KW_ONLY
    cost: float | None = None
    repeated: bool = False

    def __post_init__(self) -> None:
        if min(self.input, self.output or 0, self.cached, self.reasoning, self.cost or 0) < 0:
            raise ValueError(f'token counts and cost must not be negative: {self!r}')


@dataclass(frozen=True, slots=True)
class TimedChunk:
    """A content chunk of a reply and when it is due.

    Args:
        after: Seconds from the request's arrival.
        kind: What the chunk holds.
        text: The text, the reasoning, the tool's name or the piece of arguments.
        call: The call's index in the reply, if the chunk belongs to one.
        tokens: How many tokens it is.
    """

    after: float
    kind: ChunkKind
    text: str
    call: int | None = None
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the provider and its pace; all times are deadlines from the request's arrival.

    Args:
        steps: What is sent, in order. `Hang`, `Drop` and `Fail` can only be the last step.
        status: HTTP status: 200, or 400 to 599 for an error, whose only step can be a `Fail`.
        headers_after: Seconds from the request's arrival to the response's headers.
        first_after: Seconds from the headers to the first content chunk.
        every: Seconds that a token takes: that is the time between two content chunks which hold one token each.
        batch: How many content chunks are sent in one piece, when the last of them is due, as a proxy does that
            collects them; at least as many as there are for one that sends the whole answer at its end.
        usage: The reported tokens; `None` if the provider reports none at all.
        finish_reason: By default `'tool_calls'` if there is a `Call`, else `'stop'`.
        model: The model's name in the response; by default the one that was asked for.

    Raises:
        TypeError: If something in `steps` is not a step, or a time is not a number.
        ValueError: If a time is negative or not finite, the status is out of range, `batch` is less than 1, or steps
            follow the last one.
    """

    steps: Sequence[Step] = ()
    _: KW_ONLY
    status: int = 200
    headers_after: float = 0.0
    first_after: float = 0.0
    every: float = 0.0
    batch: int = 1
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
            raise ValueError(f'a reply with status {self.status} can have no step but a Fail')
        if self.batch < 1:
            raise ValueError(f'Reply.batch must be at least 1, not {self.batch!r}')
        if self.usage and self.usage.output is None:
            hidden = sum(step.tokens for step in self.steps if isinstance(step, Hidden))
            shown = sum(chunk.tokens for chunk in self.timetable()[0])
            object.__setattr__(self, 'usage', replace(self.usage, output=hidden + shown))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tool calls, in order."""
        return tuple(step for step in self.steps if isinstance(step, Call))

    @property
    def ending(self) -> Hang | Drop | Fail | None:
        """The step that ends the reply early; `None` if it ends normally."""
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
            if isinstance(step, Hidden):
                after += step.tokens * self.every
            for kind, text in _contents(step):
                tokens = step.tokens if isinstance(step, Say | Think) else 1
                after += tokens * self.every if chunks else 0.0
                chunks.append(TimedChunk(after, kind, text, calls if isinstance(step, Call) else None, tokens))
            calls += isinstance(step, Call)
        return tuple(chunks), after


def words(text: str, step: type[Say | Think] = Say) -> tuple[Say | Think, ...]:
    """Split a text into one step for each word; joined, their texts are the whole text, with its spaces.

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
        if not isinstance(step, Think | Say | Call | Hidden | Pause | Hang | Drop | Fail):
            raise TypeError(f'not a step of a reply: {step!r}')
    for step in steps[:-1]:
        if isinstance(step, Hang | Drop | Fail):
            raise ValueError(f'{step!r} ends a reply, so no step can follow it')
    return steps


def _require_text(name: str, text: str) -> None:
    if not text:
        raise ValueError(f'{name} must not be empty')


def _require_tokens(name: str, tokens: int) -> None:
    if tokens < 1:
        raise ValueError(f'{name} must be at least 1, not {tokens!r}')


def _require_seconds(name: str, seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f'{name} must be a number of seconds, not {seconds!r}')
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f'{name} must be finite and not negative, not {seconds!r}')
