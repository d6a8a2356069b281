"""Load and faults: random runs, and everything the tap counted beside what really happened."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from prometheus_client import CollectorRegistry, generate_latest

from soak.judge import at_least, at_most, compare, exactly
from soak.load import Load
from soak.memory import MIB, growth, in_use, resident
from soak.recorded import COUNTED, PARENTS, Starts, in_progress, scraped
from streamtap import OTelSpanSink, PrometheusSink, Tap, UsageSink

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from soak.judge import Row

THREADS = 4
SCRAPE_EVERY = 1.0

LONGEST_RUN = 3600.0
"""Thousands of runs on one loop wait for each other for minutes: none is over because it was silent for so long."""


class Spans(SpanProcessor):
    """Counts the spans that began, and those that ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.started = self.ended = 0
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self)

    def on_start(self, span: ReadableSpan, parent_context: object = None) -> None:
        with self._lock:
            self.started += 1

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            self.ended += 1


class Scraper:
    """Scrapes a registry while it is written to, as Prometheus would."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._scrape, name='soak-scraper')

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _scrape(self) -> None:
        while not self._stopped.wait(SCRAPE_EVERY):
            generate_latest(self._registry)


def faults(seed: str, runs: int, concurrent: int) -> list[Row]:
    """Make the runs, half of them on one loop and half on several threads, and judge what was counted.

    Args:
        seed: What chance begins from.
        runs: How many.
        concurrent: How many go on at once.
    """
    registry, spans, starts, usage = CollectorRegistry(), Spans(), Starts(), UsageSink()
    sinks = [PrometheusSink(registry), OTelSpanSink(spans.provider), usage, starts]
    tap = Tap(sinks, settle_after=LONGEST_RUN)
    load = Load(tap, seed, concurrent)
    threads = threading.active_count()
    quarter = runs // 4
    used: list[int] = []
    with Scraper(registry):
        for place, loops in enumerate((1, THREADS, 1, THREADS)):
            load.run(range(place * quarter, (place + 1) * quarter), loops=loops)
            tap.flush()
            used.append(in_use())
            print(
                f'{(place + 1) * quarter:,} runs, {used[-1] / MIB:,.1f} MiB in use, {resident() / MIB:,.1f} MiB resident',
                file=sys.stderr,
                flush=True,
            )
    recorded = scraped(registry)
    recorded.update(starts.parents)
    live = tap.live()
    total = usage.summary().total
    counted = {name: sum(count for key, count in load.ledger.items() if key[0] == name) for name in COUNTED}
    rows = [
        *compare((*COUNTED, PARENTS), load.ledger, recorded),
        exactly('runs in the usage summary', counted['pydantic_ai_runs_total'], total.runs + total.nested_runs),
        exactly('requests in the usage summary', counted['pydantic_ai_requests_total'], total.requests),
        exactly(
            'input tokens in the usage summary', counted['pydantic_ai_input_tokens_total'], total.input_tokens or 0
        ),
        exactly('spans', spans.started, spans.ended),
        exactly('open runs, as sinks were told', 0, len(starts.open)),
        exactly('open runs', 0, len(live.runs)),
        exactly('open requests', 0, len(live.responses)),
        exactly('open tools', 0, len(live.tools)),
        *(exactly(name, 0, count) for name, count in in_progress(registry).items()),
        exactly('tasks left', 0, load.leaked_tasks),
        exactly('threads left', 0, threading.active_count() - threads),
        exactly('contexts changed', 0, load.leaked_context),
        at_most('memory in use, of the second half', growth(runs), (used[3] - used[1]) / MIB, ' MiB'),
        at_least('most runs at once', concurrent // 2, starts.most_open),
    ]
    tap.close()
    return rows
