"""Events that no model sends: of pydantic-ai's classes with anything inside, and of no class at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st
from pydantic_ai import messages as m
from pydantic_ai.usage import RequestUsage

from hostile.texts import JUNK, NAMES, TEXTS

INDEXES = st.one_of(st.integers(0, 3), st.sampled_from((-1, 10**30)))

_CONTENT = st.one_of(st.sampled_from(('', 'x')), TEXTS)
_ARGS = st.one_of(st.none(), _CONTENT, st.dictionaries(st.just('x'), st.integers(), max_size=1))

PARTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(m.TextPart, _CONTENT),
    st.builds(m.ThinkingPart, _CONTENT),
    st.builds(m.ToolCallPart, NAMES, _ARGS, NAMES),
    st.builds(m.NativeToolCallPart, NAMES, _ARGS, NAMES),
    st.builds(m.NativeToolReturnPart, NAMES, _CONTENT, NAMES, outcome=NAMES),
)
_DELTAS: st.SearchStrategy[Any] = st.one_of(
    st.builds(m.TextPartDelta, _CONTENT),
    st.builds(m.ThinkingPartDelta, content_delta=st.none() | _CONTENT),
    st.builds(m.ToolCallPartDelta, tool_name_delta=st.none() | NAMES, args_delta=_ARGS),
)
_CALLS = st.builds(m.ToolCallPart, NAMES, _ARGS, NAMES)
_RETURNS = st.builds(
    m.ToolReturnPart,
    NAMES,
    _CONTENT,
    NAMES,
    outcome=st.one_of(st.sampled_from(('success', 'failed', 'denied', 'retried', 'interrupted')), NAMES),
)

RESPONSE_EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(m.PartStartEvent, index=INDEXES, part=PARTS),
    st.builds(m.PartDeltaEvent, index=INDEXES, delta=_DELTAS),
    st.builds(m.PartDeltaEvent, index=INDEXES, delta=_DELTAS),
    st.builds(m.PartEndEvent, index=INDEXES, part=PARTS, next_part_kind=st.sampled_from((None, 'text'))),
    st.builds(m.FinalResultEvent, tool_name=NAMES, tool_call_id=NAMES),
)
"""Events of pydantic-ai's classes that a response is made of."""

TOOL_EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(m.FunctionToolCallEvent, part=_CALLS, args_valid=st.sampled_from((None, True, True, False))),
    st.builds(m.FunctionToolResultEvent, part=_RETURNS),
    st.builds(m.OutputToolCallEvent, part=_CALLS, args_valid=st.sampled_from((None, True, False))),
    st.builds(m.OutputToolResultEvent, part=_RETURNS),
)
"""Events of pydantic-ai's classes that tools make."""

_KINDS = st.one_of(
    st.sampled_from(
        (
            'part_start',
            'part_delta',
            'part_end',
            'final_result',
            'function_tool_call',
            'function_tool_result',
            'output_tool_result',
            'deferred_tool_requests',
            'deferred_tool_results',
            'agent_run_result',
            'custom',
        )
    ),
    JUNK,
)


def _with_fields(fields: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**fields)


_INNER = st.builds(
    _with_fields,
    st.dictionaries(
        st.sampled_from(
            ('part_kind', 'part_delta_kind', 'tool_name', 'tool_call_id', 'content', 'content_delta', 'args', 'outcome')
        ),
        st.one_of(st.sampled_from(('text', 'tool-call', 'builtin-tool-call', 'speech', 'tool_call')), JUNK),
    ),
)


def _shapeless(fields: dict[str, Any], kind: list[Any]) -> SimpleNamespace:
    return SimpleNamespace(**fields, **({'event_kind': kind[0]} if kind else {}))


SHAPELESS_EVENTS = st.one_of(
    st.builds(
        _shapeless,
        st.dictionaries(
            st.sampled_from(('index', 'part', 'delta', 'result', 'results', 'args_valid')), st.one_of(_INNER, JUNK)
        ),
        st.lists(_KINDS, max_size=1),
    ),
    JUNK,
)
"""Events of unknown kinds, with fields missing, and what is no event at all."""

ANY_EVENTS = st.one_of(RESPONSE_EVENTS, TOOL_EVENTS, SHAPELESS_EVENTS)

_COUNTS = st.one_of(st.integers(0, 10**6), st.sampled_from((-1, -(10**9), 2**63, 10**400)))
_COSTS = st.one_of(st.none(), st.decimals(allow_nan=True, allow_infinity=True), st.sampled_from((0, -1, 0.25)))


def _usage(**counts: Any) -> RequestUsage:
    usage = RequestUsage()
    for name, count in counts.items():
        setattr(usage, name, count)
    return usage


USAGES = st.builds(
    _usage,
    input_tokens=_COUNTS,
    output_tokens=_COUNTS,
    cache_read_tokens=_COUNTS,
    cache_write_tokens=_COUNTS,
    output_reasoning_tokens=_COUNTS,
    cost=_COSTS,
)
"""What a server may say that it counted."""

RESPONSES = st.builds(
    m.ModelResponse,
    parts=st.lists(PARTS, max_size=2),
    usage=USAGES,
    model_name=st.none() | NAMES,
    provider_name=st.none() | NAMES,
    finish_reason=st.none() | NAMES,
)
"""What a response may say of itself."""
