"""Gauges of what is open: computed at the scrape, or written every second where Prometheus runs in many processes."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import Counter as Tally
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily

from streamtap._catalogue import BY_NAME, FIXED_LABELS
from streamtap._labels import OTHER
from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from streamtap._labels import LabelCap
    from streamtap._live import Live
    from streamtap._records import ResponseStart, RunStart, ToolStart

RUNS = 'pydantic_ai_runs_in_progress'
OLDEST = 'pydantic_ai_oldest_run_age_seconds'
REQUESTS = 'pydantic_ai_requests_in_progress'
STALLED = 'pydantic_ai_stalled_streams'
TOOLS = 'pydantic_ai_tools_in_progress'
BUILD = 'streamtap_build_info'

GAUGES = (RUNS, OLDEST, REQUESTS, STALLED, TOOLS)
STAGES = ('first_token', 'mid_stream')

WRITE_EVERY = 1.0


class LiveGauges:
    """A collector that counts what is open when it is asked; what was open once stays there, at 0.

    Args:
        user_labels: Names of the user's own labels.
        cap: Caps the values of labels, together with the counters and histograms.
        max_label_sets: Label sets per gauge.
        exclude: Names of gauges to leave out.
        service_version: The version of the user's service, for deploy annotations.
    """

    def __init__(
        self,
        *,
        user_labels: tuple[str, ...],
        cap: LabelCap,
        max_label_sets: int,
        exclude: frozenset[str],
        service_version: str,
    ) -> None:
        self._user_labels = user_labels
        self._cap = cap
        self._max_label_sets = max_label_sets
        self._shown = tuple(name for name in GAUGES if name not in exclude)
        self._build = BUILD not in exclude
        self._service_version = service_version
        self._sources: list[weakref.WeakMethod[Callable[[], Live]]] = []
        self._seen: dict[str, dict[tuple[str, ...], None]] = {name: {} for name in GAUGES}
        self._lock = threading.Lock()

    def add_source(self, live: Callable[[], Live]) -> None:
        """Count the open runs of one tap more, as long as it is there.

        Args:
            live: A method of the tap; it does not keep the tap.
        """
        self._sources = [source for source in self._sources if source() is not None]
        self._sources.append(weakref.WeakMethod(live))

    def run_seen(self, start: RunStart) -> None:
        """An agent ran: its gauges stay from now on."""
        for name in (RUNS, OLDEST):
            self._keep(name, (start.agent, *self._user(start.labels)))

    def response_seen(self, start: ResponseStart) -> None:
        """A model was asked."""
        key = (start.agent, start.provider, start.model)
        self._keep(REQUESTS, (*key, *self._user(start.labels)))
        if start.streamed:
            for stage in STAGES:
                self._keep(STALLED, (*key, stage, *self._user(start.labels)))

    def tool_seen(self, start: ToolStart) -> None:
        """A tool was called."""
        self._keep(TOOLS, (start.agent, start.tool, *self._user(start.labels)))

    def rows(self) -> dict[str, dict[tuple[str, ...], float]]:
        """Each gauge's values by label set, now."""
        found: dict[str, Tally[tuple[str, ...]]] = {name: Tally() for name in GAUGES}
        oldest: dict[tuple[str, ...], float] = {}
        counted: set[str] = set()
        for source in list(self._sources):
            read = source()
            if read is None:
                continue
            live = read()
            mine = {run.run_id for run in live.runs} - counted
            counted |= mine
            for run in live.runs:
                if run.run_id in mine:
                    key = self._capped(RUNS, (run.agent, *self._user(run.labels)))
                    found[RUNS][key] += 1
                    oldest[key] = max(oldest.get(key, 0.0), run.age)
            for response in live.responses:
                if response.run_id in mine:
                    who = (response.agent, response.provider, response.model)
                    user = self._user(response.labels)
                    found[REQUESTS][self._capped(REQUESTS, (*who, *user))] += 1
                    if response.stalled is not None:
                        found[STALLED][self._capped(STALLED, (*who, response.stalled, *user))] += 1
            for tool in live.tools:
                if tool.run_id in mine:
                    found[TOOLS][self._capped(TOOLS, (tool.agent, tool.tool, *self._user(tool.labels)))] += 1
        with self._lock:
            rows = {name: {**dict.fromkeys(self._seen[name], 0.0), **found[name]} for name in self._shown}
        if OLDEST in rows:
            rows[OLDEST] |= oldest
        return rows

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families, for a scrape."""
        return [*self._families(self.rows()), *self._build_info()]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The families without values, for the registry to know their names."""
        return [*self._families({name: {} for name in self._shown}), *self._build_info()]

    def write_every_second(self) -> None:
        """Write real gauges from a daemon thread: in multiprocess mode a collector's values never leave the process."""
        gauges = {
            name: Gauge(
                name,
                BY_NAME[name].help,
                self.label_names(name),
                registry=None,
                multiprocess_mode=BY_NAME[name].merged or 'livesum',
            )
            for name in self._shown
        }
        if self._build:
            labels = BY_NAME[BUILD].labels
            info = Gauge(BUILD, BY_NAME[BUILD].help, labels, registry=None, multiprocess_mode='livemax')
            info.labels(*versions(self._service_version)).set(1)
        threading.Thread(
            target=_write, args=(weakref.ref(self), gauges, os.getpid()), name='streamtap-gauges', daemon=True
        ).start()

    def label_names(self, name: str) -> tuple[str, ...]:
        """The labels of a gauge, the user's own included."""
        return (*BY_NAME[name].labels, *self._user_labels)

    def _families(self, rows: Mapping[str, Mapping[tuple[str, ...], float]]) -> Iterable[GaugeMetricFamily]:
        for name, values in rows.items():
            family = GaugeMetricFamily(name, BY_NAME[name].help, labels=self.label_names(name))
            for key, value in values.items():
                family.add_metric(key, value)
            yield family

    def _build_info(self) -> Iterable[GaugeMetricFamily]:
        if self._build:
            family = GaugeMetricFamily(BUILD, BY_NAME[BUILD].help, labels=BY_NAME[BUILD].labels)
            family.add_metric(versions(self._service_version), 1)
            yield family

    def _user(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(labels.get(name, '') for name in self._user_labels)

    def _keep(self, name: str, values: tuple[str, ...]) -> None:
        seen = self._seen[name]
        if values not in seen:
            self._capped(name, values)

    def _capped(self, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        seen = self._seen[name]
        if values in seen:
            return values
        names = self.label_names(name)
        key = tuple(v if n in FIXED_LABELS else self._cap(n, v) for n, v in zip(names, values, strict=True))
        with self._lock:
            if key not in seen and len(seen) >= self._max_label_sets:
                key = tuple(v if n in FIXED_LABELS else OTHER for n, v in zip(names, key, strict=True))
            seen[key] = None
        return key


def _write(gauges_ref: weakref.ref[LiveGauges], gauges: Mapping[str, Gauge], pid: int) -> None:
    while (live := gauges_ref()) is not None and os.getpid() == pid:
        for name, values in live.rows().items():
            for key, value in values.items():
                gauges[name].labels(*key).set(value)
        del live
        time.sleep(WRITE_EVERY)


def versions(service_version: str) -> tuple[str, str, str]:
    """The versions of streamtap, of pydantic-ai and of the user's service."""
    return __version__, version('pydantic-ai-slim'), service_version


def service_version_of(environment: Mapping[str, str]) -> str:
    """The service's version as OpenTelemetry's resource variable gives it, else ''."""
    pairs = (pair.partition('=') for pair in environment.get('OTEL_RESOURCE_ATTRIBUTES', '').split(','))
    return next((value.strip() for key, _, value in pairs if key.strip() == 'service.version'), '')
