"""How DuckDB reads the lines of a journal: what is beyond doubt becomes a row, and the rest a row without anything."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, get_args, get_type_hints

from streamtap._base.names import MAX_LENGTH
from streamtap._records.bounds import Text
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
from streamtap._report.fleet.beyond_doubt import MAX_BYTES, pattern_of
from streamtap._report.fleet.chunks import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLD: dict[str, tuple[str, str]] = {
    'kind': ('VARCHAR', 'r.record'),
    'run_id': ('VARCHAR', 'r.run_id'),
    'parent': ('VARCHAR', 'r.parent_run_id'),
    'agent': ('VARCHAR', 'r.agent'),
    'labels': ('VARCHAR', "nullif(r.labels, '{}')"),
    'started_ns': ('BIGINT', 'r.started_ns'),
    'duration': ('DOUBLE', 'r.duration'),
    'outcome': ('VARCHAR', 'r.outcome'),
    'provider': ('VARCHAR', 'r.provider'),
    'model': ('VARCHAR', 'r.model'),
    'tool': ('VARCHAR', 'r.tool'),
    'tool_kind': ('VARCHAR', 'r.kind'),
    'streamed': ('BOOLEAN', 'r.streamed'),
    'first_token': ('DOUBLE', 'r.time_to_first_token'),
    'first_output': ('DOUBLE', 'r.time_to_first_output'),
    'speed': ('DOUBLE', 'r.output_tokens_per_second'),
    'requests': ('BIGINT', 'r.requests'),
    'tool_calls': ('BIGINT', 'coalesce(r.tool_calls, 0)'),
    'output_retries': ('BIGINT', 'coalesce(r.output_retries, 0)'),
    'input_tokens': ('BIGINT', 'coalesce(r.input_tokens, 0)'),
    'output_tokens': ('BIGINT', 'coalesce(r.output_tokens, 0)'),
    'cache_read_tokens': ('BIGINT', 'coalesce(r.cache_read_tokens, 0)'),
    'cache_write_tokens': ('BIGINT', 'coalesce(r.cache_write_tokens, 0)'),
    'reasoning_tokens': ('BIGINT', 'coalesce(r.reasoning_tokens, 0)'),
    'usage_reported': ('BOOLEAN', 'coalesce(r.usage_reported, false)'),
    'unmeasured': ('VARCHAR', 'r.unmeasured'),
    'cost_usd': ('DOUBLE', 'r.cost_usd'),
    'called_cost_usd': ('DOUBLE', 'r.called.cost_usd'),
    'unnamed_agents': ('BIGINT', 'coalesce(r.unnamed_agents, 0)'),
    'failure': ('VARCHAR', 'r.failure'),
    'error_type': ('VARCHAR', 'r.error_type'),
    'stalls': ('BIGINT', 'coalesce(r.stalls, 0)'),
    'stall_seconds': ('DOUBLE', 'coalesce(r.stall_seconds, 0)'),
    'cache_missed': ('BIGINT', 'nullif(r.cache_missed_tokens, 0)'),
    'cache_reason': ('VARCHAR', 'r.cache_miss_reason'),
    'cache_saved_usd': ('DOUBLE', 'r.cache_saved_usd'),
    'cache_lost_usd': ('DOUBLE', 'r.cache_lost_usd'),
    'context_used': ('DOUBLE', 'r.context_tokens / nullif(r.context_window, 0)'),
    'results_of': ('VARCHAR', 'CASE WHEN r.tool_result_tokens IS NOT NULL THEN r.tool_results_of END'),
    'result_tokens': ('BIGINT', 'r.tool_result_tokens'),
    'loop_calls': ('BIGINT', 'coalesce(r.loops.calls, 0)'),
    'loop_tokens': ('BIGINT', 'coalesce(r.loops.tokens, 0)'),
    'loop_seconds': ('DOUBLE', 'coalesce(r.loops.seconds, 0)'),
    'objective_met': ('BOOLEAN', 'r.objective_met'),
    'objective_missed': ('VARCHAR[]', 'r.objective_missed'),
    'attempt': ('BIGINT', 'r.attempt'),
    'answered': ('DOUBLE', 'r.time_to_answer'),
    'repeated': ('BOOLEAN', 'coalesce(r.repeated, false)'),
    'request_tokens': ('BIGINT', 'coalesce(r.request_tokens, 0)'),
}
"""The columns of `records`, with what of a line they hold; `pos` comes before them."""

COLUMNS = ', '.join(f'{name} {kind}' for name, (kind, _) in _TOLD.items())
"""The columns of `records` but `pos`, and their types."""

_BUCKETS = '{"buckets":[["UINTEGER"]]}'

_TYPED = {
    **dict.fromkeys(('started_ns', 'requests', 'tool_calls', 'output_retries', 'unnamed_agents'), 'BIGINT'),
    **dict.fromkeys(('input_tokens', 'output_tokens', 'reasoning_tokens'), 'BIGINT'),
    **dict.fromkeys(('cache_read_tokens', 'cache_write_tokens'), 'BIGINT'),
    **dict.fromkeys(('duration', 'time_to_first_token', 'time_to_first_output', 'cost_usd'), 'DOUBLE'),
    'output_tokens_per_second': 'DOUBLE',
    **dict.fromkeys(('stalls', 'cache_missed_tokens', 'context_tokens', 'context_window'), 'BIGINT'),
    **dict.fromkeys(('tool_result_tokens', 'attempt', 'request_tokens'), 'BIGINT'),
    **dict.fromkeys(('stall_seconds', 'cache_saved_usd', 'cache_lost_usd', 'time_to_answer'), 'DOUBLE'),
    **dict.fromkeys(('streamed', 'usage_reported', 'objective_met', 'repeated'), 'BOOLEAN'),
}
_WORDS = ('outcome', 'unmeasured', 'kind', 'cache_miss_reason')
_OBJECTS = ('called', 'inter_chunk_latencies', 'reader')
_AS_TEXT = ('labels', 'phases', 'parts', 'failure', 'mcp', 'provider_timing', 'request_settings')
"""What is not taken apart: the texts in it can be too long all the same."""


def _texts() -> Iterator[str]:
    found: dict[str, None] = {}
    for record in (RunRecord, ResponseRecord, ToolRecord):
        hints = get_type_hints(record, include_extras=True)
        for each in fields(record):
            if each.name not in _WORDS and Text in (hints[each.name], *get_args(hints[each.name])):
                found[each.name] = None
    yield from found


def _structure() -> str:
    plain = {'record': 'VARCHAR', **dict.fromkeys((*_texts(), *_WORDS, *_AS_TEXT), 'VARCHAR'), **_TYPED}
    objects = (
        f'"inter_chunk_latencies":{_BUCKETS}',
        f'"reader":{{"inter_item_latencies":{_BUCKETS}}}',
        '"called":{"cost_usd":"DOUBLE"}',
        '"loops":{"calls":"BIGINT","seconds":"DOUBLE","tokens":"BIGINT"}',
        '"objective_missed":["VARCHAR"]',
    )
    return f'{{{",".join([*(f"{chr(34)}{name}{chr(34)}:{chr(34)}{kind}{chr(34)}" for name, kind in plain.items()), *objects])}}}'


def _is_sound() -> str:
    """What a line has to keep besides the pattern; lengths are in bytes, which are at least as many as characters."""
    lengths = ', '.join(f'strlen(r.{name})' for name in _texts())
    found = [f'coalesce(greatest({lengths}) <= {MAX_LENGTH}, true)']
    for name in _AS_TEXT:
        too_long = f"""regexp_matches(r.{name}, '"[^"]{{{MAX_LENGTH + 1}}}')"""
        found.append(f'(r.{name} IS NULL OR strlen(r.{name}) <= {MAX_LENGTH} OR NOT {too_long})')
    for buckets in ('r.inter_chunk_latencies.buckets', 'r.reader.inter_item_latencies.buckets'):
        pairs = f'list_zip({buckets}[:-2], {buckets}[2:])'
        in_order = f'list_bool_and(list_transform({pairs}, lambda each: each[1][1] < each[2][1]))'
        found.append(f'({buckets} IS NULL OR coalesce({in_order}, true))')
    return ' AND '.join(found)


def _take(lines: str, has_pattern: str, is_sound: str) -> str:
    columns = ', '.join(what for _, what in _TOLD.values())
    record = f"json_transform(line, '{_structure()}')"
    return f"""
        INSERT INTO records
        WITH lines AS ({lines}),
        parsed AS (SELECT pos, CASE WHEN {has_pattern} THEN {record} END AS r FROM lines),
        checked AS (SELECT pos, CASE WHEN {is_sound} THEN r END AS r FROM parsed)
        SELECT pos, {columns} FROM checked"""


_PATTERN = '|'.join(pattern_of(name) for name in ('run', 'response', 'tool'))

TAKE = _take(
    f"""
        SELECT number::BIGINT * {PLACES} + unnest(range(0, len(split))) AS pos, unnest(split) AS line
        FROM (SELECT number, string_split(text, chr(10)) AS split FROM (SELECT unnest($texts) AS text, unnest($numbers) AS number))""",
    f"strlen(line) <= {MAX_BYTES} AND regexp_full_match(line, '{_PATTERN}')",
    _is_sound(),
)
"""Adds the lines of some pieces, `$texts`, which have these `$numbers`; a row of a line that is in doubt has no kind."""

TAKE_SOUND = _take('SELECT unnest($positions) AS pos, unnest($lines) AS line', 'true', 'true')
"""Adds `$lines` that are sound, with their `$positions`."""
