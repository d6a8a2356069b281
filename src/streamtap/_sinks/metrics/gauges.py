"""Gauges of what is open: computed from the taps' snapshots whenever they are read."""

from __future__ import annotations

import weakref
from collections import Counter as Tally
from typing import TYPE_CHECKING

from streamtap._sinks.metrics.catalogue import BY_NAME
from streamtap._sinks.metrics.label_sets import LabelSets
from streamtap._sinks.metrics.user_labels import label_values
from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamtap._records.live import Live
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart
    from streamtap._sinks.label_cap import LabelCap

    Rows = dict[str, dict[tuple[str, ...], float]]

RUNS = 'pydantic_ai_runs_in_progress'
OLDEST = 'pydantic_ai_oldest_run_age_seconds'
REQUESTS = 'pydantic_ai_requests_in_progress'
STALLED = 'pydantic_ai_stalled_streams'
TOOLS = 'pydantic_ai_tools_in_progress'
BUILD = 'streamtap_build_info'

STAGES = ('first_token', 'mid_stream')


class OpenGauges:
    """Counts what is open whenever it is read; a label set that was seen once stays, at 0.

    Args:
        user_labels: Names of the user's own labels.
        cap: Caps the values of labels, in common with the counters and histograms.
        max_label_sets: Label sets per gauge.
        exclude: Names of gauges to leave out.
        service_version: The version of the user's service, for deploy annotations.
        pydantic_ai_version: The version of pydantic-ai.
    """

    def __init__(
        self,
        *,
        user_labels: tuple[str, ...],
        cap: LabelCap,
        max_label_sets: int,
        exclude: frozenset[str] = frozenset(),
        service_version: str,
        pydantic_ai_version: str,
    ) -> None:
        self._user_labels = user_labels
        self._seen = {
            name: LabelSets(BY_NAME[name], user_labels, tuple, cap=cap, limit=max_label_sets)
            for name in (RUNS, OLDEST, REQUESTS, STALLED, TOOLS)
        }
        self.names = tuple(name for name in (*self._seen, BUILD) if name not in exclude)
        self._versions = (__version__, pydantic_ai_version, service_version)
        self._sources: list[weakref.WeakMethod[Callable[[], Live]]] = []

    def add_source(self, live: Callable[[], Live]) -> None:
        """Count the open runs of another tap too, as long as the tap exists.

        Args:
            live: The tap's bound method, which is held weakly.
        """
        self._sources = [source for source in self._sources if source() is not None]
        self._sources.append(weakref.WeakMethod(live))

    def remove_source(self, live: Callable[[], Live]) -> None:
        """Count the open runs of that tap no more."""
        self._sources = [source for source in self._sources if source() not in (None, live)]

    def label_names(self, name: str) -> tuple[str, ...]:
        """The labels of a gauge, the user's own included."""
        return BY_NAME[BUILD].labels if name == BUILD else self._seen[name].names

    def run_seen(self, start: RunStart) -> None:
        """A run began: from now on its agent has gauges, also when they are 0."""
        for name in (RUNS, OLDEST):
            self._key(name, (start.agent,), start.labels)

    def response_seen(self, start: ResponseStart) -> None:
        """A request began: likewise for its model."""
        who = (start.agent, start.provider, start.model)
        self._key(REQUESTS, who, start.labels)
        if start.streamed:
            for stage in STAGES:
                self._key(STALLED, (*who, stage), start.labels)

    def tool_seen(self, start: ToolStart) -> None:
        """A tool call began: likewise for its tool."""
        self._key(TOOLS, (start.agent, start.tool), start.labels)

    def rows(self) -> Rows:
        """The current values of each gauge, by label set."""
        found: dict[str, Tally[tuple[str, ...]]] = {name: Tally() for name in self._seen}
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
                    key = self._key(RUNS, (run.agent,), run.labels)
                    found[RUNS][key] += 1
                    oldest[key] = max(oldest.get(key, 0.0), run.age)
            for response in live.responses:
                if response.run_id in mine:
                    who = (response.agent, response.provider, response.model)
                    found[REQUESTS][self._key(REQUESTS, who, response.labels)] += 1
                    if response.stalled is not None:
                        found[STALLED][self._key(STALLED, (*who, response.stalled), response.labels)] += 1
            for tool in live.tools:
                if tool.run_id in mine:
                    found[TOOLS][self._key(TOOLS, (tool.agent, tool.tool), tool.labels)] += 1
        rows: Rows = {name: {**dict.fromkeys(sets.keys(), 0.0), **found[name]} for name, sets in self._seen.items()}
        rows[OLDEST] |= oldest
        rows[BUILD] = {self._versions: 1.0}
        return {name: rows[name] for name in self.names}

    def _key(self, name: str, values: tuple[str, ...], labels: Mapping[str, str]) -> tuple[str, ...]:
        return self._seen[name].key((*values, *label_values(self._user_labels, labels)))
