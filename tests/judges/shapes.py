"""How the events of a chat stream leave a proxy: as they came, or as other servers and proxies would send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Shape(Protocol):
    """Takes the events of one stream, each without the blank line that ends it."""

    def take(self, event: str) -> list[str] | None:
        """The events that leave now, in one piece; `None` if none does."""
        ...

    def rest(self) -> list[str] | None:
        """Those that were still held when the server ended the stream."""
        ...


class AsTheyCame:
    """Each event by itself."""

    def take(self, event: str) -> list[str] | None:
        return [event]

    def rest(self) -> list[str] | None:
        return None


class InPieces:
    """So many events in one piece.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[str] = []

    def take(self, event: str) -> list[str] | None:
        self._held.append(event)
        return self.rest() if len(self._held) >= self._size else None

    def rest(self) -> list[str] | None:
        held, self._held = self._held, []
        return held or None


class ManyTokens:
    """Chunks of several tokens: the text of so many is one delta.

    Args:
        first: How many the first chunk has.
        size: How many the others have.
    """

    def __init__(self, first: int, size: int) -> None:
        self._size = first
        self._next = size
        self._held: list[dict[str, Any]] = []

    def take(self, event: str) -> list[str] | None:
        chunk = _chunk(event)
        if chunk is None or not _text(chunk):
            return [*(self.rest() or []), event]
        self._held.append(chunk)
        return self.rest() if len(self._held) >= self._size else None

    def rest(self) -> list[str] | None:
        if not self._held:
            return None
        whole = self._held[-1]
        whole['choices'][0]['delta']['content'] = ''.join(map(_text, self._held))
        self._held, self._size = [], self._next
        return [f'data: {json.dumps(whole)}']


class HiddenReasoning:
    """The first tokens are reasoning, which is counted and not shown.

    Args:
        tokens: How many.
    """

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._hidden = 0

    def take(self, event: str) -> list[str] | None:
        chunk = _chunk(event)
        if chunk is None:
            return [event]
        if _text(chunk) and self._hidden < self._tokens:
            self._hidden += 1
            return None
        if chunk.get('usage'):
            chunk['usage']['completion_tokens_details'] = {'reasoning_tokens': self._hidden}
        return [f'data: {json.dumps(chunk)}']

    def rest(self) -> list[str] | None:
        return None


def _chunk(event: str) -> dict[str, Any] | None:
    data = event.removeprefix('data: ')
    return json.loads(data) if data.startswith('{') else None


def _text(chunk: Mapping[str, Any]) -> str:
    return (chunk['choices'][0]['delta'].get('content') or '') if chunk.get('choices') else ''


AS_THEY_CAME = 'As they came'
HIDDEN = 'Reasoning of sixty tokens, counted and not streamed'

SHAPES: dict[str, Callable[[], Shape]] = {
    AS_THEY_CAME: AsTheyCame,
    'A proxy that flushes at the end': lambda: InPieces(1 << 30),
    'A network that delivers fifty events at a time': lambda: InPieces(50),
    'Chunks of twenty tokens': lambda: ManyTokens(20, 20),
    'The first token alone, then chunks of twenty': lambda: ManyTokens(1, 20),
    HIDDEN: lambda: HiddenReasoning(60),
}
"""Those there are, by name."""

ONE_BY_ONE = (AS_THEY_CAME, HIDDEN)
"""Those in which each token leaves when it came, if at all."""
