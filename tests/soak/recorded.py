"""What the tap recorded, as a ledger that can be put beside the one of what really happened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from soak.ledger import Ledger, series
from streamtap import BaseSink, RunRecord, RunStart

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

COUNTED = (
    'pydantic_ai_runs_total',
    'pydantic_ai_run_errors_total',
    'pydantic_ai_requests_total',
    'pydantic_ai_request_errors_total',
    'pydantic_ai_input_tokens_total',
    'pydantic_ai_output_tokens_total',
    'pydantic_ai_unmeasured_responses_total',
    'pydantic_ai_tool_calls_total',
    'pydantic_ai_tool_errors_total',
    'pydantic_ai_tool_retries_total',
    'streamtap_errors_total',
    'streamtap_dropped_total',
)
"""The samples that are compared; the tap's own failures are expected to be none."""

IN_PROGRESS = (
    'pydantic_ai_runs_in_progress',
    'pydantic_ai_requests_in_progress',
    'pydantic_ai_tools_in_progress',
)

INTERRUPTED = 'interrupted'
"""The reason of unmeasured responses that is not compared: whether anything came before the stop, only its door knows."""

PARENTS = 'runs with a parent'


def scraped(registry: CollectorRegistry) -> Ledger:
    """What a scrape shows of `COUNTED`, zeros left out."""
    samples = (sample for family in registry.collect() for sample in family.samples)
    return Ledger(
        {
            series(sample.name, **sample.labels): round(sample.value)
            for sample in samples
            if sample.name in COUNTED and sample.value and sample.labels.get('reason') != INTERRUPTED
        }
    )


def in_progress(registry: CollectorRegistry) -> dict[str, int]:
    """The sums of the gauges of what is open."""
    sums: dict[str, int] = dict.fromkeys(IN_PROGRESS, 0)
    for family in registry.collect():
        if family.name in sums:
            sums[family.name] += round(sum(sample.value for sample in family.samples))
    return sums


class Starts(BaseSink):
    """Counts the runs that began and have not ended, and those that another run called."""

    inline: ClassVar[bool] = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.open: set[str] = set()
        self.most_open = 0
        self.parents = Ledger()

    def run_started(self, start: RunStart) -> None:
        with self._lock:
            self.open.add(start.run_id)
            self.most_open = max(self.most_open, len(self.open))
            if start.parent_run_id is not None:
                self.parents[series(PARENTS, agent=start.agent, root_agent=start.root_agent)] += 1

    def run_ended(self, record: RunRecord) -> None:
        with self._lock:
            self.open.discard(record.run_id)
