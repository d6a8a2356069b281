"""The Prometheus sink: which record adds what to which metric."""

from __future__ import annotations

import itertools
import math
import os
from typing import TYPE_CHECKING, ClassVar

from prometheus_client import REGISTRY
from prometheus_client.registry import CollectorRegistry

from streamtap._catalogue import BY_NAME
from streamtap._exposition import Shape, exposition_on
from streamtap._instruments import BULK
from streamtap._prometheus_live import service_version_of
from streamtap._sinks import BaseSink

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._exposition import Exposition
    from streamtap._instruments import Instruments
    from streamtap._records import (
        Fault,
        ResponseRecord,
        ResponseStart,
        RunRecord,
        RunStart,
        ToolRecord,
        ToolStart,
    )
    from streamtap._sinks import Attachment


MAX_IDS = 128 - len('trace_id') - len('span_id')


class PrometheusSink(BaseSink):
    """Counts and observes everything of the metric catalogue in a Prometheus registry.

    An application that exposes that registry already needs nothing more; else see `serve` and `metrics_app`.
    Two taps on one registry share the metrics; a run that both measure is counted once.

    Args:
        registry: Where the metrics are registered; prometheus_client's default registry if not given.
        buckets: Your own bucket bounds (rising, finite), by metric name.
        exclude: Names of metrics to leave out.
        max_label_sets: Label sets per metric before new ones become `_other`. Default 2000.
        service_version: The version of your service, for deploy annotations; by default `service.version` in
            `OTEL_RESOURCE_ATTRIBUTES`.

    Raises:
        TypeError: If `registry` is no registry.
        ValueError: If a metric's name is unknown, bounds do not rise, or (when a tap takes the sink) the registry
            already holds something of the same name.
    """

    inline: ClassVar[bool] = True

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        buckets: Mapping[str, Sequence[float]] | None = None,
        exclude: Iterable[str] = (),
        max_label_sets: int = 2000,
        service_version: str | None = None,
    ) -> None:
        if not isinstance(registry, CollectorRegistry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'registry must be a prometheus_client CollectorRegistry, not {registry!r}')
        if isinstance(exclude, str):
            raise TypeError(f'exclude must be a collection of metric names, for instance exclude=[{exclude!r}]')
        self._exclude = frozenset(exclude)
        self._buckets = {name: _checked_bounds(name, bounds) for name, bounds in (buckets or {}).items()}
        unknown = sorted(self._exclude - BY_NAME.keys())
        if unknown:
            raise ValueError(f'exclude names no metric of streamtap: {", ".join(unknown)}')
        if max_label_sets < 1:
            raise ValueError(f'max_label_sets must be at least 1, not {max_label_sets!r}')
        self._registry = registry
        self._max_label_sets = max_label_sets
        self._service_version = service_version_of(os.environ) if service_version is None else service_version
        self._exposition: Exposition | None = None
        self._others: set[str] = set()

    def attached(self, attachment: Attachment) -> None:
        """Register the metrics, or find those that another tap registered.

        Raises:
            ValueError: If the registry holds something else of the same name, or this sink has a tap already.
        """
        if self._exposition is not None:
            raise ValueError('a PrometheusSink belongs to one tap: give the other tap its own, on the same registry')
        self._exposition = exposition_on(
            self._registry,
            Shape(attachment.labels, tuple(sorted(self._buckets.items())), self._exclude),
            max_label_values=attachment.max_label_values,
            max_label_sets=self._max_label_sets,
            service_version=self._service_version,
        )
        self._exposition.gauges.add_source(attachment.live)

    def run_started(self, start: RunStart) -> None:
        """Claim the run for this sink, so that a second tap on the registry does not count it again."""
        exposition = self._exposition
        if exposition is None:
            return
        if exposition.run_owners.setdefault(start.run_id, self) is not self:
            self._others.add(start.run_id)
            return
        exposition.gauges.run_seen(start)
        user = self._user(start.labels)
        exposition.instruments['pydantic_ai_runs_total'].declare((start.agent, start.door, 'success', *user))

    def run_ended(self, record: RunRecord) -> None:
        """Count the run."""
        instruments = self._mine(record.run_id)
        self._others.discard(record.run_id)
        if instruments is None or self._exposition is None:
            return
        self._exposition.run_owners.pop(record.run_id, None)
        exemplar = _exemplar(record)
        user = self._user(record.labels)
        agent = (record.agent, *user)
        outcome = (record.agent, record.outcome, *user)
        instruments['pydantic_ai_runs_total'].add((record.agent, record.door, record.outcome, *user))
        instruments['pydantic_ai_run_duration_seconds'].observe(outcome, record.duration, exemplar)
        if record.error_type is not None:
            instruments['pydantic_ai_run_errors_total'].add((record.agent, record.error_type, *user), 1, exemplar)
        if record.time_to_first_output is not None:
            instruments['pydantic_ai_run_time_to_first_output_seconds'].observe(
                agent, record.time_to_first_output, exemplar
            )
        if record.time_to_final_result is not None:
            instruments['pydantic_ai_run_time_to_final_result_seconds'].observe(
                agent, record.time_to_final_result, exemplar
            )
        for phase, seconds in record.phases.items():
            instruments['pydantic_ai_run_phase_seconds_total'].add((record.agent, phase, *user), seconds)
        instruments['pydantic_ai_run_requests'].observe(agent, record.requests, exemplar)
        instruments['pydantic_ai_run_tool_calls'].observe(agent, record.tool_calls, exemplar)
        if record.cost_usd is not None:
            instruments['pydantic_ai_run_cost_usd'].observe(outcome, record.cost_usd, exemplar)
        if record.output_retries:
            instruments['pydantic_ai_output_retries_total'].add(agent, record.output_retries)

    def response_started(self, start: ResponseStart) -> None:
        """Let the model's counters be there from its first request on."""
        instruments = self._mine(start.run_id)
        if instruments is None or self._exposition is None:
            return
        self._exposition.gauges.response_seen(start)
        streamed = 'true' if start.streamed else 'false'
        key = (start.agent, start.provider, start.model, streamed, 'success', *self._user(start.labels))
        instruments['pydantic_ai_requests_total'].declare(key)

    def response_ended(self, record: ResponseRecord) -> None:
        """Count the request and its response."""
        instruments = self._mine(record.run_id)
        if instruments is None:
            return
        exemplar = _exemplar(record)
        user = self._user(record.labels)
        who = (record.agent, record.provider, record.model)
        apm = (*who, *user)
        streamed = 'true' if record.streamed else 'false'
        self._tokens(instruments, record, apm, exemplar)
        instruments['pydantic_ai_requests_total'].add((*who, streamed, record.outcome, *user))
        if record.duration is not None:
            instruments['pydantic_ai_request_duration_seconds'].observe(
                (*who, record.outcome, *user), record.duration, exemplar
            )
        if record.error_type is not None:
            instruments['pydantic_ai_request_errors_total'].add((*who, record.error_type, *user), 1, exemplar)
        instruments['pydantic_ai_responses_total'].add((*who, record.finish_reason or 'unknown', *user))
        if record.time_to_first_token is not None:
            instruments['pydantic_ai_time_to_first_token_seconds'].observe(apm, record.time_to_first_token, exemplar)
        if record.time_to_first_output is not None:
            instruments['pydantic_ai_time_to_first_output_seconds'].observe(apm, record.time_to_first_output, exemplar)
        if record.gap_counts is not None:
            folded = record.gap_counts.fold(instruments.bounds(BULK))
            instruments[BULK].observe_counts(apm, folded, record.gap_sum or 0.0, record.gap_max or 0.0, exemplar)
        if record.output_tokens_per_second is not None:
            instruments['pydantic_ai_output_tokens_per_second'].observe(apm, record.output_tokens_per_second, exemplar)
        if record.stalls:
            instruments['pydantic_ai_stream_stalls_total'].add(apm, record.stalls)
            instruments['pydantic_ai_stream_stall_seconds_total'].add(apm, record.stall_seconds)
        for part in record.parts:
            instruments['pydantic_ai_parts_total'].add((*who, part.kind, *user))
            instruments['pydantic_ai_part_duration_seconds'].observe(
                (record.agent, part.kind, *user), part.duration, exemplar
            )

    def _tokens(
        self, instruments: Instruments, record: ResponseRecord, apm: tuple[str, ...], exemplar: dict[str, str] | None
    ) -> None:
        if not record.usage_reported:
            if record.outcome == 'success':
                instruments['pydantic_ai_unmeasured_responses_total'].add(apm)
            return
        instruments['pydantic_ai_request_input_tokens'].observe(apm, record.input_tokens or 0, exemplar)
        for name, tokens in (
            ('pydantic_ai_input_tokens_total', record.input_tokens),
            ('pydantic_ai_output_tokens_total', record.output_tokens),
            ('pydantic_ai_cache_read_tokens_total', record.cache_read_tokens),
            ('pydantic_ai_cache_write_tokens_total', record.cache_write_tokens),
            ('pydantic_ai_reasoning_tokens_total', record.reasoning_tokens),
        ):
            instruments[name].add(apm, tokens or 0)
        if record.cost_usd is None:
            instruments['pydantic_ai_unpriced_responses_total'].add(apm)
        else:
            root = (record.agent, record.provider, record.model, record.root_agent, *self._user(record.labels))
            instruments['pydantic_ai_cost_usd_total'].add(root, record.cost_usd)

    def tool_started(self, start: ToolStart) -> None:
        """Let the tool's counters be there from its first call on."""
        instruments = self._mine(start.run_id)
        if instruments is None or self._exposition is None:
            return
        self._exposition.gauges.tool_seen(start)
        key = (start.agent, start.tool, start.kind, 'success', *self._user(start.labels))
        instruments['pydantic_ai_tool_calls_total'].declare(key)

    def tool_ended(self, record: ToolRecord) -> None:
        """Count the call."""
        instruments = self._mine(record.run_id)
        if instruments is None:
            return
        exemplar = _exemplar(record)
        user = self._user(record.labels)
        tool = (record.agent, record.tool)
        instruments['pydantic_ai_tool_calls_total'].add((*tool, record.kind, record.outcome, *user))
        if record.duration is not None:
            instruments['pydantic_ai_tool_duration_seconds'].observe(
                (*tool, record.outcome, *user), record.duration, exemplar
            )
        if record.error_type is not None:
            instruments['pydantic_ai_tool_errors_total'].add((*tool, record.error_type, *user), 1, exemplar)
        if record.outcome == 'retried':
            instruments['pydantic_ai_tool_retries_total'].add((*tool, record.retry_cause or 'unknown', *user))

    def faulted(self, fault: Fault) -> None:
        """Count what the tap itself got wrong."""
        if self._exposition is not None:
            name = 'streamtap_errors_total' if fault.what == 'error' else 'streamtap_dropped_total'
            self._exposition.instruments[name].add((fault.where,), fault.count)

    def _mine(self, run_id: str) -> Instruments | None:
        return None if run_id in self._others or self._exposition is None else self._exposition.instruments

    def _user(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        names = self._exposition.shape.user_labels if self._exposition is not None else ()
        return tuple(labels.get(name, '') for name in names)


def _exemplar(record: RunRecord | ResponseRecord | ToolRecord) -> dict[str, str] | None:
    """What leads from a number to its trace; prometheus_client refuses more than 128 characters."""
    if record.trace_id is None or record.span_id is None or len(record.trace_id) + len(record.span_id) > MAX_IDS:
        return None
    return {'trace_id': record.trace_id, 'span_id': record.span_id}


def _checked_bounds(name: str, bounds: Sequence[float]) -> tuple[float, ...]:
    if name not in BY_NAME or BY_NAME[name].type != 'histogram':
        raise ValueError(f'buckets names no histogram of streamtap: {name!r}')
    checked = tuple(float(bound) for bound in bounds)
    if (
        not checked
        or not all(map(math.isfinite, checked))
        or any(low >= high for low, high in itertools.pairwise(checked))
    ):
        raise ValueError(f'bucket bounds of {name} must be finite, rise and be at least one, not {tuple(bounds)!r}')
    return checked
