"""A reply in the words of the OpenAI chat completions API over HTTP."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from http.client import responses
from typing import TYPE_CHECKING

from streamtap.testing._script import ChunkKind, Fail, Reply, TimedChunk, TokenUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap.testing._request import ChatRequest


@dataclass(frozen=True, slots=True)
class Wording:
    """The bytes of the HTTP response that carries a reply to a request.

    Args:
        reply: The reply.
        request: The request it answers.
    """

    reply: Reply
    request: ChatRequest

    def opening(self) -> bytes:
        """The headers of a stream and its first event, which has no content."""
        return _STREAM_HEAD + self._event({'role': 'assistant', 'content': ''}, sent=0)

    def chunk(self, chunk: TimedChunk, sent: int) -> bytes:
        """The event of a content chunk, the one after `sent` others."""
        delta: dict[str, object]
        if chunk.call is None:
            delta = {'reasoning_content' if chunk.kind == 'thinking' else 'content': chunk.text}
        elif chunk.kind == 'tool_call':
            delta = {'tool_calls': [{'index': chunk.call, **self._call(chunk.call, '')}]}
        else:
            delta = {'tool_calls': [{'index': chunk.call, 'function': {'arguments': chunk.text}}]}
        return self._event(delta, sent=sent + 1)

    def closing(self) -> tuple[bytes, ...]:
        """The events after the content; the last includes the end of the stream, at which a client may disconnect."""
        if isinstance(self.reply.ending, Fail):
            return (_event(_error(self.reply.ending)) + _STREAM_END,)
        finish = self._event({}, self._finish_reason())
        if self.reply.usage is None or not self.request.include_usage:
            return (finish + _STREAM_END,)
        # OpenAI's last event has no choice; OpenRouter's, which says what it charged, has an empty one.
        choices: list[object] = []
        if self.reply.usage.cost is not None:
            choices.append({'index': 0, 'delta': {'role': 'assistant', 'content': ''}, 'finish_reason': None})
        usage = {**self._envelope('chat.completion.chunk'), 'choices': choices, 'usage': self._usage()}
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
        if self.reply.usage is not None and self.reply.usage.cost is not None:
            choice['native_finish_reason'] = self._finish_reason()
        completion = {**self._envelope('chat.completion'), 'choices': [choice], 'usage': self._usage()}
        return _json_response(200, completion)

    def _event(
        self, delta: Mapping[str, object], finish_reason: str | None = None, *, sent: int | None = None
    ) -> bytes:
        choice = {'index': 0, 'delta': delta, 'finish_reason': finish_reason}
        event = {**self._envelope('chat.completion.chunk'), 'choices': [choice]}
        usage = self.reply.usage
        if usage is not None and usage.repeated and sent is not None:
            event['usage'] = _token_counts(replace(usage, output=sent, reasoning=0))
        return _event(event)

    def _envelope(self, kind: str) -> dict[str, object]:
        model = self.reply.model or self.request.model
        # OpenRouter, which says what it charged, also says who answered.
        who = {} if self.reply.usage is None or self.reply.usage.cost is None else {'provider': 'paced'}
        return {
            'id': f'chatcmpl-{self.request.number}',
            'object': kind,
            'created': int(time.time()),
            'model': model,
            **who,
        }

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
        charged = {} if usage.cost is None else {'cost': usage.cost, 'is_byok': False}
        return {**_token_counts(usage), **charged}


def error_response(status: int, message: str) -> bytes:
    """The bytes of the HTTP response of an error.

    Args:
        status: The HTTP status, which is the error's code too.
        message: The error's message.
    """
    return _json_response(status, _error(Fail(message, status)))


def _token_counts(usage: TokenUsage) -> dict[str, object]:
    output = usage.output or 0
    return {
        'prompt_tokens': usage.input,
        'completion_tokens': output,
        'total_tokens': usage.input + output,
        'prompt_tokens_details': {'cached_tokens': usage.cached},
        'completion_tokens_details': {'reasoning_tokens': usage.reasoning},
    }


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
