"""What a request's prompt has to do with the one before: what grew, and what was bought again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.forks import tell_forks
from streamtap._upstream.cache_prices import worth_of_cached

if TYPE_CHECKING:
    from streamtap._records.words import CacheMissReason
    from streamtap._upstream.model_responses import Usage
    from streamtap._upstream.prompt_prefix import PromptPrefix

MAX_CONVERSATIONS = 10_000
"""How many conversations are remembered, each with one model; the one that was continued last is forgotten last."""

CACHE_GRAIN = 128
"""Tokens in which caches count: fewer than that are not missed."""

SHORTEST_CACHED = 1024
"""Tokens below which no provider caches a prompt."""

KEPT_FOR = 300.0
"""Seconds for which providers keep a prompt at least, as a rule."""

SEVERAL = '_several'
"""What stands for the tools of a round in which more than one ran."""


class Prompt(NamedTuple):
    """The prompt of a request whose usage is known to the end: what the next one is compared with.

    Args:
        provider: The provider that was asked.
        model: Its model.
        size: Its tokens; less than the usage's input where that is the sum of several requests to the model.
        usage: The tokens.
        began: When its request was sent, on the monotonic clock; as far as that is known.
        ended: When its response was over.
        prefix: What stands at its beginning; `None` if that was not seen.
    """

    provider: str
    model: str
    size: int
    usage: Usage
    began: float
    ended: float
    prefix: PromptPrefix | None


class Compared(NamedTuple):
    """What a prompt has to do with the one before; see the fields of `ResponseRecord`."""

    cache_missed_tokens: int | None = None
    cache_miss_reason: CacheMissReason | None = None
    cache_saved_usd: float | None = None
    cache_lost_usd: float | None = None
    tool_result_tokens: int | None = None
    tool_results_of: str | None = None


NOT_COMPARED = Compared()


class Conversations:
    """The last prompt of each conversation with a model, in bounded memory. Thread-safe."""

    def __init__(self) -> None:
        self._last: OrderedDict[int, Prompt] = OrderedDict()
        self._lock = threading.Lock()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which may be held."""
        self._lock = threading.Lock()

    def last(self, conversation: int) -> Prompt | None:
        """The last prompt of a conversation."""
        return self._last.get(conversation)

    def remember(self, conversation: int, prompt: Prompt) -> None:
        """A conversation went on."""
        with self._lock:
            self._last[conversation] = prompt
            self._last.move_to_end(conversation)
            if len(self._last) > MAX_CONVERSATIONS:
                self._last.popitem(last=False)


@dataclass(slots=True)
class Prompts:
    """The prompts of one run.

    Args:
        conversations: Those of the tap.
        conversation: The run's own.
    """

    conversations: Conversations
    conversation: int
    tools: set[str] = field(default_factory=set[str])
    """The tools that got a result since the last prompt."""
    _last: Prompt | None = None
    first_input: int | None = None
    last_input: int | None = None
    known: int = 0
    """How many prompts have a known size."""

    def compare(self, prompt: Prompt) -> Compared:
        """What a prompt has to do with those before it; it is not remembered.

        Args:
            prompt: The prompt.
        """
        grown, by = self._grown(prompt)
        missed, reason = self._missed(prompt)
        return Compared(
            missed, reason, _worth(prompt, prompt.usage.cache_read_tokens), _worth(prompt, missed or 0), grown, by
        )

    def remember(self, prompt: Prompt) -> None:
        """The request is reported: the next one is compared with it."""
        self._last = prompt
        self.tools.clear()
        self.conversations.remember(self._key(prompt), prompt)
        if self.first_input is None:
            self.first_input = prompt.size
        self.last_input = prompt.size
        self.known += 1

    def forget_last(self) -> None:
        """A request is reported whose tokens are not known: the next one grew from it, and so cannot be compared."""
        self._last = None
        self.tools.clear()

    @property
    def growth(self) -> float | None:
        """By how many tokens per step the prompts grew; `None` with fewer than two."""
        if self.known < 2 or self.first_input is None or self.last_input is None:
            return None
        return max(0.0, (self.last_input - self.first_input) / (self.known - 1))

    def _key(self, prompt: Prompt) -> int:
        return hash((self.conversation, prompt.provider, prompt.model))

    def _grown(self, prompt: Prompt) -> tuple[int, str] | tuple[None, None]:
        before = self._last
        if before is None or not self.tools or (before.provider, before.model) != (prompt.provider, prompt.model):
            return None, None
        answer = before.usage.output_tokens - before.usage.reasoning_tokens
        grown = prompt.size - before.size - answer
        # A history that was cut short meanwhile says nothing of what was added.
        if grown < 0:
            return None, None
        return grown, next(iter(self.tools)) if len(self.tools) == 1 else SEVERAL

    def _missed(self, prompt: Prompt) -> tuple[int, CacheMissReason | None] | tuple[None, None]:
        before = self.conversations.last(self._key(prompt))
        if before is None:
            return None, None
        cached = before.usage.cache_read_tokens + before.usage.cache_write_tokens
        missed = min(cached, before.size, prompt.size) - prompt.usage.cache_read_tokens
        if missed < CACHE_GRAIN:
            return 0, None
        return missed, _why_missed(prompt, before)


def _why_missed(prompt: Prompt, before: Prompt) -> CacheMissReason:
    if prompt.size < SHORTEST_CACHED:
        return 'below_minimum'
    is_other = prompt.prefix is not None and before.prefix is not None and prompt.prefix.differs(before.prefix)
    if prompt.usage.cache_read_tokens or is_other:
        return 'prefix_changed'
    return 'expired' if prompt.began - before.ended >= KEPT_FOR else 'unknown'


def _worth(prompt: Prompt, cached: int) -> float | None:
    if not cached:
        return None
    return worth_of_cached(prompt.provider, prompt.model, input_tokens=prompt.usage.input_tokens, cached=cached)
