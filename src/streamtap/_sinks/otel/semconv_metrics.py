"""Runs, requests and tools under the names of OpenTelemetry's conventions, as a profile lists them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from opentelemetry.metrics import Counter, Histogram

from streamtap._sinks.label_cap import OTHER
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel.conventions.providers import standard_provider
from streamtap._sinks.otel.error_types import error_type_of, mcp_error_type_of
from streamtap._sinks.otel.instruments import NO_TRACE, context_of
from streamtap._sinks.otel.mcp_facts import called_by_mcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from opentelemetry.metrics import Meter

    from streamtap._records.distribution import Distribution
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.label_cap import LabelCap
    from streamtap._sinks.otel.conventions.tables import Instrument, Measure, Profile, Subject

    Facts: TypeAlias = Mapping[str, str | int]
    Values: TypeAlias = Iterable[tuple[float, Facts]]
    """What an instrument records, each with the attributes that only this instrument has."""

Chunks = Literal['left_out', 'each']
"""Whether the time of each chunk is recorded."""

_UNKNOWN_MODALITY = {names.TOKEN_MODALITY: 'unknown'}


class SemconvMetrics:
    """The metrics of one profile, beside the catalogue's, for tools that are made for these conventions.

    Args:
        meter: Creates them.
        cap: Caps the values of attributes, in common with the catalogue's metrics.
        profile: What is sent.
        chunks: Whether the time of each chunk is among it.
    """

    def __init__(self, meter: Meter, cap: LabelCap, profile: Profile, chunks: Chunks) -> None:
        self._cap = cap
        self._profile = profile
        self._of: dict[Subject, list[tuple[Instrument, Counter | Histogram]]] = {}
        for row in profile.instruments:
            if not row.absent and (chunks == 'each' or not row.is_dear):
                self._of.setdefault(row.about, []).append((row, _instrument(meter, row)))

    def run_ended(self, record: RunRecord) -> None:
        """Record the run."""
        facts = {names.AGENT_NAME: self._cap('agent', record.agent), **self._error(error_type_of(record))}
        found: dict[Measure, Values] = {
            'duration': _one(record.duration),
            'requests': _one(record.requests),
            'tool_calls': _one(record.tool_calls),
        }
        self._record('run', record, facts, found)

    def response_ended(self, record: ResponseRecord) -> None:
        """Record the request."""
        facts: dict[str, str | int] = {names.OPERATION: names.CHAT, **self._error(error_type_of(record))}
        if record.provider:
            facts[names.PROVIDER] = standard_provider(self._cap('provider', record.provider))
        if record.model:
            facts[names.REQUEST_MODEL] = self._cap('model', record.model)
        if record.response_model is not None:
            facts[names.RESPONSE_MODEL] = self._cap('response_model', record.response_model)
        if record.server_address is not None:
            facts[names.SERVER_ADDRESS] = address = self._cap('server_address', record.server_address)
            if record.server_port is not None and address != OTHER:
                facts[names.SERVER_PORT] = record.server_port
        found: dict[Measure, Values] = {
            'duration': _one(record.duration),
            'time_to_first_chunk': _one(record.time_to_first_token),
            'times_per_chunk': _each(record.inter_chunk_latencies),
            'tokens_by_type': _by_type(record),
            'input_tokens': self._tokens(record, record.input_tokens),
            'output_tokens': self._tokens(record, record.output_tokens),
            'cache_read_tokens': self._tokens(record, record.cache_read_tokens),
            'cache_write_tokens': self._tokens(record, record.cache_write_tokens),
            'reasoning_tokens': self._tokens(record, record.reasoning_tokens),
        }
        self._record('request', record, facts, found, is_instrumented=record.instrumented)

    def tool_ended(self, record: ToolRecord) -> None:
        """Record the call."""
        facts = {names.AGENT_NAME: self._cap('agent', record.agent), names.TOOL_NAME: self._cap('tool', record.tool)}
        found: dict[Measure, Values] = {'duration': _one(record.duration)}
        of_tool = {names.TOOL_TYPE: names.TOOL_TYPES[record.kind], **self._error(error_type_of(record))}
        self._record('tool call', record, {**facts, **of_tool}, found)
        if record.mcp is not None:
            of_mcp = {names.OPERATION: names.EXECUTE_TOOL, **called_by_mcp(record.mcp)}
            self._record('MCP call', record, {**facts, **of_mcp, **self._error(mcp_error_type_of(record))}, found)

    def _error(self, error_type: str | None) -> dict[str, str]:
        return {} if error_type is None else {names.ERROR_TYPE: self._cap('error_type', error_type)}

    def _tokens(self, record: ResponseRecord, tokens: int | None) -> Values:
        if record.unmeasured == 'repeated':
            return ()
        if not record.usage_reported and not self._profile.reports_no_usage:
            return ()
        return ((tokens or 0, _UNKNOWN_MODALITY),)

    def _record(
        self,
        about: Subject,
        record: RunRecord | ResponseRecord | ToolRecord,
        facts: Facts,
        found: Mapping[Measure, Values],
        *,
        is_instrumented: bool = False,
    ) -> None:
        context = context_of(record) or NO_TRACE
        shared: dict[frozenset[str], Facts] = {}
        for row, instrument in self._of.get(about, ()):
            if row.measures is None or (row.is_twice and is_instrumented):
                continue
            sent = row.sent
            common = shared.get(sent)
            if common is None:
                common = shared[sent] = {name: value for name, value in facts.items() if name in sent}
            for value, own in found[row.measures]:
                attributes = {**common, **{name: text for name, text in own.items() if name in sent}} if own else common
                if isinstance(instrument, Counter):
                    instrument.add(value, attributes, context)
                else:
                    instrument.record(value, attributes, context)


def _one(value: float | None) -> Values:
    return () if value is None else ((value, {}),)


def _each(values: Distribution | None) -> Values:
    no_facts: Facts = {}
    if values is not None:
        for value, count in values.values():
            yield from itertools.repeat((value, no_facts), count)


def _by_type(record: ResponseRecord) -> Values:
    if not record.usage_reported:
        return ()
    return (
        (record.input_tokens or 0, {names.TOKEN_TYPE: 'input'}),
        (record.output_tokens or 0, {names.TOKEN_TYPE: 'output'}),
    )


def _instrument(meter: Meter, row: Instrument) -> Counter | Histogram:
    text = f'{row.about}: {row.measures}'.replace('_', ' ')
    if row.type == 'counter':
        return meter.create_counter(row.name, row.unit, text)
    return meter.create_histogram(row.name, row.unit, text, explicit_bucket_boundaries_advisory=row.bounds)
