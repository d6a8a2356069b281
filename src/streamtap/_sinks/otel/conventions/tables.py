"""What a profile is made of: instruments, spans and their attributes, each sent or with the reason why not."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Level = Literal['required', 'conditional', 'recommended', 'opt-in']
"""How much the conventions ask for an attribute."""

Subject = Literal['run', 'request', 'tool call', 'MCP call']
"""What an instrument or a span is about."""

Measure = Literal[
    'duration',
    'time_to_first_chunk',
    'times_per_chunk',
    'tokens_by_type',
    'input_tokens',
    'output_tokens',
    'cache_read_tokens',
    'cache_write_tokens',
    'reasoning_tokens',
    'requests',
    'tool_calls',
]
"""What an instrument records of its subject."""

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""The bounds that the conventions ask for requests and tools."""

RUN_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
"""The bounds for runs that OpenTelemetry's own GenAI helper uses."""

MCP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""The bounds that the conventions ask for MCP calls."""

TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""The bounds that the conventions ask for tokens."""

CALLS = (1, 2, 4, 8, 16, 32, 64, 128)
"""The bounds that the conventions ask for calls per run."""


class Attribute(NamedTuple):
    """One attribute of an instrument or a span.

    Args:
        name: Its name.
        level: How much the conventions ask for it.
        absent: Why it is never sent; '' if it is, wherever it is known.
        note: What to know about its value.
    """

    name: str
    level: Level
    absent: str = ''
    note: str = ''


Attributes: TypeAlias = tuple[Attribute, ...]


class Instrument(NamedTuple):
    """One metric of a profile.

    Args:
        name: Its name.
        type: Histogram or counter.
        unit: Its unit.
        about: What it is about.
        attributes: Its attributes.
        bounds: Its bucket bounds, for a histogram.
        measures: What it records; `None` if it is not sent.
        absent: Why it is not sent; '' if it is.
        note: What to know about its values.
        is_later: Whether it comes from newer conventions than the profile.
        is_twice: Whether pydantic-ai's own instrumentation records it, so that it is left out beside that.
        is_dear: Whether it is only sent if each chunk is asked for.
    """

    name: str
    type: Literal['histogram', 'counter']
    unit: str
    about: Subject
    attributes: Attributes
    bounds: tuple[float, ...] = ()
    measures: Measure | None = None
    absent: str = ''
    note: str = ''
    is_later: bool = False
    is_twice: bool = False
    is_dear: bool = False

    @property
    def sent(self) -> frozenset[str]:
        """The names of the attributes that it has, wherever they are known."""
        return sent(self.attributes)


class SpanType(NamedTuple):
    """One kind of span of a profile: what it is about, and its attributes."""

    name: str
    about: Subject
    kind: Literal['client', 'internal']
    attributes: Attributes


class LeftOut(NamedTuple):
    """Something of the conventions that has no place in an agent's process, and why."""

    name: str
    why: str


class Profile(NamedTuple):
    """The client side of one version of the conventions.

    Args:
        name: What users call it.
        instruments: Its metrics.
        spans: Its spans.
        left_out: Its other metrics and kinds of spans.
        cache_write: How it calls the input tokens that were written to a cache.
        reports_no_usage: Whether a request without usage counts as one with 0 tokens.
        ends_as_error: Whether `error` is the finish reason of every response that was cut short.
        top_k: The type of `gen_ai.request.top_k`.
    """

    name: str
    instruments: tuple[Instrument, ...]
    spans: tuple[SpanType, ...]
    left_out: tuple[LeftOut, ...]
    cache_write: str
    reports_no_usage: bool
    ends_as_error: bool
    top_k: type[int] | type[float]

    def span(self, about: Subject) -> frozenset[str]:
        """The names of the attributes that spans of a subject have, wherever they are known."""
        return frozenset(name for span in self.spans if span.about == about for name in sent(span.attributes))


def sent(attributes: Attributes) -> frozenset[str]:
    """The names of those that are sent."""
    return frozenset(each.name for each in attributes if not each.absent)
