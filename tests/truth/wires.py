"""The paced provider in the words of other APIs: OpenAI's Responses, Anthropic's messages, Gemini's; streamed only."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar

from streamtap.testing import Call, ChatRequest, Hidden, PacedProvider, Say, Think, TokenUsage
from streamtap.testing._openai_wire import Wording
from streamtap.testing._provider import CHAT, Api

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamtap.testing._script import TimedChunk

MODEL = 'paced'
RESPONSES = 'POST /v1/responses'
ANTHROPIC = 'POST /v1/messages'
GEMINI = f'POST /v1beta/models/{MODEL}:streamGenerateContent?alt=sse'

_HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
_END = b'0\r\n\r\n'


@dataclass(frozen=True)
class Counted(TokenUsage):
    """Token counts that only some APIs report.

    Args:
        written: Tokens of the prompt that were written to the cache, in the words of Anthropic.
        continues: Whether the answer goes on in another request, which Google's SDK sends by itself.
    """

    _: KW_ONLY
    written: int = 0
    continues: bool = False


def parse(body: bytes, *, number: int) -> ChatRequest:
    """Read a request of any of these APIs, as far as a script wants to know it."""
    payload: dict[str, Any] = json.loads(body)
    messages: list[dict[str, Any]] = payload.get('input') or payload.get('messages') or payload.get('contents') or []
    return ChatRequest(payload.get('model', MODEL), tuple(messages), (), stream=True, number=number)


@dataclass(frozen=True)
class Place:
    """Where a chunk stands in its reply: in which part, whether that begins with it, and what was hidden before it."""

    part: int
    opens: bool
    hidden: bool


class _PartedWording(Wording, ABC):
    """An API whose answers consist of parts that are opened and closed."""

    __slots__ = ()

    def places(self) -> Iterator[Place]:
        """Where each chunk stands, in order; what is hidden is a part of its own."""
        part, hidden = -1, False
        for kind, steps in groupby(self.reply.steps, key=type):
            if kind is Hidden:
                hidden, part = True, part + 1
            for number, step in enumerate(steps if kind in (Say, Think, Call) else ()):
                size = 1 + len(step.split_arguments()) if isinstance(step, Call) else 1
                for place in range(size):
                    opens = place == 0 and (number == 0 or kind is Call)
                    part += opens
                    yield Place(part, opens, hidden)
                    hidden = False

    def chunk(self, chunk: TimedChunk, sent: int) -> bytes:
        """The events of a content chunk, and those of the parts that begin and end with it."""
        place = list(self.places())[self.reply.timetable()[0].index(chunk)]
        if not place.opens:
            return _events(self.delta(place.part, chunk))
        before = place.part - 1 - place.hidden
        ended = self.closed(before) if before >= 0 else []
        hidden = self.hidden_part(place.part - 1) if place.hidden else []
        return _events(*ended, *hidden, *self.opened(place.part, chunk))

    @abstractmethod
    def hidden_part(self, part: int) -> list[dict[str, Any]]: ...

    @abstractmethod
    def opened(self, part: int, chunk: TimedChunk) -> list[dict[str, Any]]: ...

    @abstractmethod
    def closed(self, part: int) -> list[dict[str, Any]]: ...

    @abstractmethod
    def delta(self, part: int, chunk: TimedChunk) -> dict[str, Any]: ...


class ResponsesWording(_PartedWording):
    """OpenAI's Responses: hidden reasoning is an item without a summary."""

    __slots__ = ()

    def opening(self) -> bytes:
        return _HEAD + _events({'type': 'response.created', 'response': self._response('in_progress')})

    def hidden_part(self, part: int) -> list[dict[str, Any]]:
        item: dict[str, Any] = {'id': f'rs_{part}', 'type': 'reasoning', 'summary': [], 'encrypted_content': 'xyz'}
        return [
            {'type': f'response.output_item.{what}', 'output_index': part, 'item': item} for what in ('added', 'done')
        ]

    def opened(self, part: int, chunk: TimedChunk) -> list[dict[str, Any]]:
        if chunk.kind == 'tool_call':
            item: dict[str, Any] = {
                'type': 'function_call',
                'call_id': f'call_{part}',
                'name': chunk.text,
                'arguments': '',
            }
        else:
            item = {'type': 'message', 'role': 'assistant', 'content': [], 'status': 'in_progress'}
        added = {'type': 'response.output_item.added', 'output_index': part, 'item': {'id': f'item_{part}', **item}}
        return [added] if chunk.kind == 'tool_call' else [added, self.delta(part, chunk)]

    def closed(self, part: int) -> list[dict[str, Any]]:
        return []

    def delta(self, part: int, chunk: TimedChunk) -> dict[str, Any]:
        kind = 'function_call_arguments' if chunk.kind == 'tool_args' else 'output_text'
        where: dict[str, Any] = {'item_id': f'item_{part}', 'output_index': part, 'content_index': 0, 'logprobs': []}
        return {'type': f'response.{kind}.delta', **where, 'delta': chunk.text}

    def closing(self) -> tuple[bytes, ...]:
        return (_events({'type': 'response.completed', 'response': self._response('completed')}) + _END,)

    def _response(self, status: str) -> dict[str, Any]:
        usage = self.reply.usage
        counts = usage and {
            'input_tokens': usage.input,
            'input_tokens_details': {'cached_tokens': 0},
            'output_tokens': usage.output,
            'output_tokens_details': {'reasoning_tokens': usage.reasoning},
            'total_tokens': usage.input + (usage.output or 0),
        }
        made: dict[str, Any] = {'id': 'resp', 'object': 'response', 'created_at': 1, 'model': MODEL, 'output': []}
        rest: dict[str, Any] = {'parallel_tool_calls': True, 'tool_choice': 'auto', 'tools': []}
        return {**made, **rest, 'status': status, 'usage': counts if status == 'completed' else None}


class AnthropicWording(_PartedWording):
    """Anthropic's messages: hidden reasoning is a redacted block, which newer answers count."""

    __slots__ = ()

    def opening(self) -> bytes:
        counted = self.reply.usage or TokenUsage(input=0)
        written = counted.written if isinstance(counted, Counted) else 0
        # Its input tokens are those that have nothing to do with the cache.
        cached = {'cache_read_input_tokens': counted.cached, 'cache_creation_input_tokens': written}
        usage = {'input_tokens': counted.input - counted.cached - written, 'output_tokens': 1, **cached}
        made: dict[str, Any] = {'id': 'msg', 'type': 'message', 'role': 'assistant', 'content': [], 'model': MODEL}
        message = {**made, 'stop_reason': None, 'stop_sequence': None, 'usage': usage}
        return _HEAD + _events({'type': 'message_start', 'message': message})

    def hidden_part(self, part: int) -> list[dict[str, Any]]:
        block = {'type': 'redacted_thinking', 'data': 'xyz'}
        return [{'type': 'content_block_start', 'index': part, 'content_block': block}, *self.closed(part)]

    def opened(self, part: int, chunk: TimedChunk) -> list[dict[str, Any]]:
        block: dict[str, Any] = {'type': 'text', 'text': ''}
        if chunk.kind == 'tool_call':
            block = {'type': 'tool_use', 'id': f'call_{part}', 'name': chunk.text, 'input': {}}
        elif chunk.kind == 'thinking':
            block = {'type': 'thinking', 'thinking': '', 'signature': ''}
        start = {'type': 'content_block_start', 'index': part, 'content_block': block}
        return [start] if chunk.kind == 'tool_call' else [start, self.delta(part, chunk)]

    def closed(self, part: int) -> list[dict[str, Any]]:
        return [{'type': 'content_block_stop', 'index': part}]

    def delta(self, part: int, chunk: TimedChunk) -> dict[str, Any]:
        kind, name = {
            'text': ('text_delta', 'text'),
            'thinking': ('thinking_delta', 'thinking'),
            'tool_args': ('input_json_delta', 'partial_json'),
        }[chunk.kind]
        return {'type': 'content_block_delta', 'index': part, 'delta': {'type': kind, name: chunk.text}}

    def closing(self) -> tuple[bytes, ...]:
        last = [place.part for place in self.places()][-1]
        reason = 'tool_use' if self.reply.calls else 'end_turn'
        counted = self.reply.usage or TokenUsage(output=0)
        details = {'output_tokens_details': {'thinking_tokens': counted.reasoning}} if counted.reasoning else {}
        usage = {'output_tokens': counted.output, **details}
        delta = {'type': 'message_delta', 'delta': {'stop_reason': reason, 'stop_sequence': None}, 'usage': usage}
        return (_events(*self.closed(last), delta, {'type': 'message_stop'}) + _END,)


class GeminiWording(Wording):
    """Gemini: hidden reasoning is only counted, and tokens come several at a time."""

    __slots__ = ()

    def opening(self) -> bytes:
        return _HEAD

    def chunk(self, chunk: TimedChunk, sent: int) -> bytes:
        thought = {'thought': True} if chunk.kind == 'thinking' else {}
        return _events(self._said([{'text': chunk.text, **thought}]))

    def closing(self) -> tuple[bytes, ...]:
        usage = self.reply.usage
        counts = usage and {
            'promptTokenCount': usage.input,
            'candidatesTokenCount': (usage.output or 0) - usage.reasoning,
            'thoughtsTokenCount': usage.reasoning,
            'totalTokenCount': usage.input + (usage.output or 0),
        }
        ended = {'finishReason': 'STOP'}
        if isinstance(usage, Counted) and usage.continues:
            ended = {'finishReason': 'CONTINUATION', 'continuationToken': 'Z28gb24='}
        return (_events({**self._said([{'text': ''}], **ended), 'usageMetadata': counts}) + _END,)

    def _said(self, parts: list[dict[str, Any]], **more: str) -> dict[str, Any]:
        candidate = {'content': {'role': 'model', 'parts': parts}, 'index': 0, **more}
        return {'candidates': [candidate], 'modelVersion': MODEL, 'responseId': 'r'}


class WireProvider(PacedProvider):
    """A paced provider that answers in the words of whichever API is asked."""

    _apis: ClassVar[Mapping[str, Api]] = {
        'POST /v1/chat/completions': CHAT,
        RESPONSES: Api(parse, ResponsesWording),
        ANTHROPIC: Api(parse, AnthropicWording),
        GEMINI: Api(parse, GeminiWording),
    }


def _events(*payloads: Mapping[str, Any]) -> bytes:
    data = b''.join(_event(payload) for payload in payloads)
    return b'%x\r\n%s\r\n' % (len(data), data)


def _event(payload: Mapping[str, Any]) -> bytes:
    named = b'event: %s\n' % str(payload['type']).encode() if 'type' in payload else b''
    return named + b'data: %s\n\n' % json.dumps(payload).encode()
