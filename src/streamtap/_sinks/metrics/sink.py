"""Maps records to the metrics of the catalogue, for any metrics library."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from streamtap._delivery.sink import BaseSink
from streamtap._sinks.metrics.health import count_response, count_run, count_tool
from streamtap._sinks.metrics.user_labels import checked_labels, label_values
from streamtap._sinks.metrics.zeros import zeros, zeros_of_tap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamtap._delivery.sink import Attachment
    from streamtap._records.faults import Fault, LoopLag
    from streamtap._records.records import (
        ResponseRecord,
        RunRecord,
        ToolRecord,
    )
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart
    from streamtap._sinks.metrics.exposition import Exposition
    from streamtap._sinks.metrics.instruments import Instruments
    from streamtap._sinks.metrics.zeros import Subject


MAX_DECLARED = 10_000
"""How many agents, models and tools, with the user's own labels, are at 0 when they are first seen."""


class CatalogueSink(BaseSink, ABC):
    """Writes the whole metric catalogue into one exposition, which the subclass provides.

    Two taps may share an exposition; a run that both measure is counted once.
    """

    inline: ClassVar[bool] = True

    def __init__(self, labels: Iterable[str] | None = None) -> None:
        self._labels = None if labels is None else checked_labels(labels)
        self._exposition: Exposition | None = None
        self._is_attached = False
        self._owned_elsewhere: set[str] = set()
        self._declared: set[tuple[str, ...]] = set()

    def attached(self, attachment: Attachment) -> None:
        """Create the metrics, or reuse those that another tap created.

        Raises:
            ValueError: If something else has the same name, or this sink already belongs to a tap.
        """
        if self._is_attached:
            kind = type(self).__name__
            raise ValueError(
                f'a {kind} belongs to one tap: give the other tap its own, on the same registry or provider'
            )
        self._exposition = self._expose(attachment)
        self._exposition.gauges.add_source(attachment.live)
        self._is_attached = True
        # A meter that fails is told of where it loses a number, and must not keep the application from starting.
        with contextlib.suppress(Exception):
            for name, values in zeros_of_tap(self._exposition.shape.user_labels):
                self._exposition.instruments.declare(name, values)

    def detached(self, attachment: Attachment) -> None:
        """Let go of the metrics: they keep their values, without what is open."""
        if self._exposition is not None:
            # The exposition stays: a record or a fault that comes late is still counted.
            self._exposition.gauges.remove_source(attachment.live)
        self._is_attached = False

    def _labels_of(self, attachment: Attachment) -> tuple[str, ...]:
        """The tap's own labels that the metrics have: all, or those that the sink was given.

        Raises:
            ValueError: If the sink was given one that the tap does not have.
        """
        if self._labels is None:
            return attachment.labels
        if strangers := [name for name in self._labels if name not in attachment.labels]:
            raise ValueError(
                f'{type(self).__name__} has labels that its tap has not: {", ".join(strangers)}; '
                f'name them in Tap(labels=...) too, which has {attachment.labels!r}'
            )
        return self._labels

    @abstractmethod
    def _expose(self, attachment: Attachment) -> Exposition:
        """The exposition to write into."""

    def run_started(self, start: RunStart) -> None:
        """Claim the run for this sink, so that a second tap on the exposition does not count it again."""
        exposition = self._exposition
        if exposition is None:
            return
        if exposition.run_owners.setdefault(start.run_id, self) is not self:
            self._owned_elsewhere.add(start.run_id)
            return
        exposition.gauges.run_seen(start)
        known = {
            'agent': start.agent,
            'door': start.door,
            'nested': _flag(start.parent_run_id is not None),
            'outcome': 'success',
        }
        if start.has_objective:
            known['met'] = 'true'
        self._declare('agent', known, start.labels)

    def run_ended(self, record: RunRecord) -> None:
        """Count the run."""
        metrics = self._mine(record.run_id)
        self._owned_elsewhere.discard(record.run_id)
        if metrics is None or self._exposition is None:
            return
        self._exposition.run_owners.pop(record.run_id, None)
        origin = metrics.origin(record)
        user = self._user_values(record.labels)
        agent, nested = (record.agent, *user), _flag(record.nested)
        metrics.add('pydantic_ai_runs_total', (record.agent, record.door, nested, record.outcome, *user), 1)
        key = (record.agent, nested, record.outcome, *user)
        if record.duration is not None:
            metrics.observe('pydantic_ai_run_duration_seconds', key, record.duration, origin)
        if record.error_type is not None:
            metrics.add('pydantic_ai_run_errors_total', (record.agent, nested, record.error_type, *user), 1, origin)
        if record.output_retries:
            metrics.add('pydantic_ai_output_retries_total', agent, record.output_retries)
        for phase, seconds in record.phases.items():
            metrics.add('pydantic_ai_run_phase_seconds_total', (record.agent, phase, *user), seconds)
        if not record.nested:
            self._user_request(metrics, record, user, origin)
            count_run(metrics, record, user, origin)

    def _user_request(
        self, metrics: Instruments[Any, Any], record: RunRecord, user: tuple[str, ...], origin: object
    ) -> None:
        """Count what a user waited for, and all that it took."""
        agent = (record.agent, *user)
        for name, seconds in (
            ('pydantic_ai_run_time_to_first_output_seconds', record.time_to_first_output),
            ('pydantic_ai_run_time_to_final_result_seconds', record.time_to_final_result),
        ):
            if seconds is not None:
                metrics.observe(name, agent, seconds, origin)
        metrics.observe('pydantic_ai_run_requests', agent, record.total_requests, origin)
        metrics.observe('pydantic_ai_run_tool_calls', agent, record.total_tool_calls, origin)
        if record.total_usage_reported and not record.total_unmeasured_responses:
            tokens = record.total_input_tokens + record.total_output_tokens
            metrics.observe('pydantic_ai_run_tokens', agent, tokens, origin)
        if record.total_cost_usd is not None:
            key = (record.agent, record.outcome, *user)
            metrics.observe('pydantic_ai_run_cost_usd', key, record.total_cost_usd, origin)

    def response_started(self, start: ResponseStart) -> None:
        """Create the model's counters at its first request."""
        metrics = self._mine(start.run_id)
        if metrics is None or self._exposition is None:
            return
        self._exposition.gauges.response_seen(start)
        known = {
            'agent': start.agent,
            'provider': start.provider,
            'model': start.model,
            'streamed': _flag(start.streamed),
            'outcome': 'success',
            'reason': 'interrupted',
            'root_agent': start.root_agent,
        }
        self._declare('model', known, start.labels)

    def response_ended(self, record: ResponseRecord) -> None:
        """Count the request and its response."""
        metrics = self._mine(record.run_id)
        if metrics is None:
            return
        origin = metrics.origin(record)
        user = self._user_values(record.labels)
        who = (record.agent, record.provider, record.model)
        apm = (*who, *user)
        self._usage(metrics, record, apm, origin)
        metrics.add('pydantic_ai_requests_total', (*who, _flag(record.streamed), record.outcome, *user), 1)
        if record.duration is not None:
            key = (*who, record.outcome, *user)
            metrics.observe('pydantic_ai_request_duration_seconds', key, record.duration, origin)
        if record.error_type is not None:
            metrics.add('pydantic_ai_request_errors_total', (*who, record.error_type, *user), 1, origin)
        metrics.add('pydantic_ai_responses_total', (*who, record.finish_reason or 'unknown', *user), 1)
        for name, value in (
            ('pydantic_ai_time_to_first_token_seconds', record.time_to_first_token),
            ('pydantic_ai_time_to_first_output_seconds', record.time_to_first_output),
            ('pydantic_ai_output_tokens_per_second', record.output_tokens_per_second),
        ):
            if value is not None:
                metrics.observe(name, apm, value, origin)
        if record.inter_chunk_latencies is not None:
            metrics.observe_gaps(apm, record, origin)
        if record.stalls:
            metrics.add('pydantic_ai_stream_stalls_total', apm, record.stalls)
            metrics.add('pydantic_ai_stream_stall_seconds_total', apm, record.stall_seconds)
        count_response(metrics, record, user, origin)
        for part in record.parts:
            metrics.add('pydantic_ai_parts_total', (*who, part.kind, *user), 1)
            if part.duration is not None:
                key = (record.agent, part.kind, *user)
                metrics.observe('pydantic_ai_part_duration_seconds', key, part.duration, origin)

    def _usage(
        self, metrics: Instruments[Any, Any], record: ResponseRecord, apm: tuple[str, ...], origin: object
    ) -> None:
        """Count tokens and cost, and a response that did not say all of them."""
        who, user = apm[:3], apm[3:]
        if record.unmeasured is not None:
            metrics.add('pydantic_ai_unmeasured_responses_total', (*who, record.unmeasured, *user), 1)
        left_out = self._counted_elsewhere(record)
        if record.cost_usd is not None and 'pydantic_ai_cost_usd_total' not in left_out:
            metrics.add('pydantic_ai_cost_usd_total', (*who, record.root_agent, *user), record.cost_usd)
        if not record.usage_reported:
            return
        if 'pydantic_ai_request_input_tokens' not in left_out:
            metrics.observe('pydantic_ai_request_input_tokens', apm, record.input_tokens or 0, origin)
        for name, tokens in (
            ('pydantic_ai_input_tokens_total', record.input_tokens),
            ('pydantic_ai_output_tokens_total', record.output_tokens),
            ('pydantic_ai_cache_read_tokens_total', record.cache_read_tokens),
            ('pydantic_ai_cache_write_tokens_total', record.cache_write_tokens),
            ('pydantic_ai_reasoning_tokens_total', record.reasoning_tokens),
        ):
            if name not in left_out:
                metrics.add(name, apm, tokens or 0)
        if record.cost_usd is None:
            metrics.add('pydantic_ai_unpriced_responses_total', apm, 1)

    def _counted_elsewhere(self, record: ResponseRecord) -> frozenset[str]:
        """The metrics to leave out for a request, because other instrumentation counts the same in the same place."""
        return frozenset()

    def tool_started(self, start: ToolStart) -> None:
        """Create the tool's counters at its first call."""
        metrics = self._mine(start.run_id)
        if metrics is None or self._exposition is None:
            return
        self._exposition.gauges.tool_seen(start)
        known = {'agent': start.agent, 'tool': start.tool, 'kind': start.kind, 'outcome': 'success'}
        self._declare('tool', known, start.labels)

    def tool_ended(self, record: ToolRecord) -> None:
        """Count the call."""
        metrics = self._mine(record.run_id)
        if metrics is None:
            return
        origin = metrics.origin(record)
        user = self._user_values(record.labels)
        tool = (record.agent, record.tool)
        metrics.add('pydantic_ai_tool_calls_total', (*tool, record.kind, record.outcome, *user), 1)
        if record.duration is not None:
            metrics.observe(
                'pydantic_ai_tool_duration_seconds', (*tool, record.outcome, *user), record.duration, origin
            )
        if record.error_type is not None:
            metrics.add('pydantic_ai_tool_errors_total', (*tool, record.error_type, *user), 1, origin)
        if record.outcome == 'retried':
            metrics.add('pydantic_ai_tool_retries_total', (*tool, record.retry_cause or 'unknown', *user), 1)
        count_tool(metrics, record, user, origin)

    def loop_lagged(self, lag: LoopLag) -> None:
        """Observe the lag of an event loop."""
        if self._exposition is not None:
            self._exposition.instruments.observe('streamtap_event_loop_lag_seconds', (lag.thread,), lag.seconds)

    def faulted(self, fault: Fault) -> None:
        """Count the tap's own errors and drops."""
        if self._exposition is not None:
            name = 'streamtap_errors_total' if fault.kind == 'error' else 'streamtap_dropped_total'
            self._exposition.instruments.add(name, (fault.subject,), fault.count)

    def _declare(self, subject: Subject, known: Mapping[str, str], labels: Mapping[str, str]) -> None:
        """Create at 0 what can be known of something, when it is first seen."""
        if self._exposition is None:
            return
        instruments, user, left_out = self._exposition.instruments, self._user_values(labels), self._not_declared()
        key = (subject, *known.values(), *user)
        if key in self._declared or len(self._declared) >= MAX_DECLARED:
            return
        self._declared.add(key)
        for name, values in zeros(subject, known):
            if name not in left_out:
                instruments.declare(name, (*values, *user))

    def _not_declared(self) -> frozenset[str]:
        """The metrics that may never be counted here, because other instrumentation counts the same."""
        return frozenset()

    def _mine(self, run_id: str) -> Instruments[Any, Any] | None:
        return None if run_id in self._owned_elsewhere or self._exposition is None else self._exposition.instruments

    def _user_values(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return () if self._exposition is None else label_values(self._exposition.shape.user_labels, labels)


def _flag(value: bool) -> str:  # noqa: FBT001
    return 'true' if value else 'false'
