"""A tap with every sink and every view, and all that they put out."""

from __future__ import annotations

import logging
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, get_args

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest  # pyright: ignore[reportUnknownVariableType]

from streamtap import (
    BaseSink,
    JournalSink,
    LogSink,
    OTelMetricSink,
    OTelSpanSink,
    Progress,
    PrometheusSink,
    Tap,
    UsageSink,
)
from streamtap._cli import main
from streamtap._report.options import Format
from streamtap._web.live_view import LiveView
from streamtap.testing import MemorySink
from support.log_events import LogEvents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamtap.typing import Price, Redact


class LogLines(logging.Handler):
    """Keeps every field of every line of a logger of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.logger = f'lines-{id(self)}'
        self.seen: list[str] = []
        self._logger = logging.getLogger(self.logger)
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(f'{record.getMessage()} {vars(record)!r}')

    def close(self) -> None:
        self._logger.removeHandler(self)
        super().close()


@dataclass
class EveryExit:
    """A tap with everything that it can put out.

    Args:
        folder: Where its journal is.
        failure: What one of its sinks raises at each moment.
        price: Its own price.
        include_content: Whether its log may have what exceptions say.
        redact: Its own replacement for names.
        sink_name: The name of the class of that sink.
    """

    folder: Path
    failure: Exception
    price: Price
    include_content: bool = False
    redact: Redact | None = None
    sink_name: str = 'Looking'
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    metrics: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    memory: MemorySink = field(default_factory=MemorySink)
    page: LiveView = field(default_factory=LiveView)
    progress: Progress = field(default_factory=Progress)
    events: LogEvents = field(default_factory=LogEvents)
    lines: LogLines = field(default_factory=lambda: LogLines())
    seen_live: list[str] = field(default_factory=list[str])
    seen_progress: list[str] = field(default_factory=list[str])
    tap: Tap = field(init=False)

    def __post_init__(self) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        meters = MeterProvider([self.metrics], shutdown_on_exit=False)
        self.tap = Tap(
            [
                PrometheusSink(self.registry),
                OTelSpanSink(provider),
                OTelMetricSink(meters, semconv='latest'),
                UsageSink(),
                JournalSink(self.folder / 'journal'),
                LogSink(self.lines.logger),
                self.events.sink,
                self.page,
                self.progress,
                self.memory,
                self._looking(),
            ],
            labels=['tier'],
            include_content=self.include_content,
            price=self.price,
            redact=self.redact,
        )

    def _looking(self) -> BaseSink:
        """A sink that looks at what is open at each moment, and then fails with a secret."""

        def look(_self: object, fact: object) -> None:
            self.seen_live += [repr(self.tap.live()), repr(fact), self.page.now()]
            self.seen_progress += [f'{run} {run!r}' for run in self.progress.now()]
            raise self.failure

        moments = ('run_started', 'response_started', 'response_ended', 'tool_started', 'tool_ended', 'run_ended')
        sink: type[BaseSink] = type(self.sink_name, (BaseSink,), {**dict.fromkeys(moments, look), 'inline': True})
        return sink()

    def told(self) -> dict[str, str]:
        """Everything that was put out, by where."""
        self.tap.close()
        summary = self.tap.usage.summary()
        self.lines.close()
        data = self.metrics.get_metrics_data()
        return {
            'exposition': str(generate_latest(self.registry)),  # pyright: ignore[reportUnknownArgumentType]
            'spans': '\n'.join(span.to_json() for span in self.spans.get_finished_spans()),
            'metrics': '' if data is None else data.to_json(),
            'summary': f'{summary}\n{summary!r}\n{summary.model_dump_json()}',
            'notebook': summary._repr_html_(),  # pyright: ignore[reportPrivateUsage]
            'journal': (self.folder / 'journal').read_text(encoding='utf-8'),
            'log lines': '\n'.join(self.lines.seen),
            'log events': repr(self.events.seen()),
            'page': '\n'.join(self.page.finished(None).runs),
            'progress': '\n'.join(self.seen_progress),
            'live': '\n'.join(self.seen_live),
            'records': '\n'.join(map(repr, self.memory.moments)),
            'faults': repr(self.memory.faults),
            'the tap': repr(self.tap) + repr(self.tap.capability()),
            **dict(self._reports()),
        }

    def _reports(self) -> Iterator[tuple[str, str]]:
        """What is reported of the journal, and of a gate that it does not pass, in each format."""
        budgets = ('--budget', 'run_duration.p50 <= 0s', '--budget', 'failed_tools <= 0%', '--by', 'agent', '--strict')
        for what, arguments in (('report', ()), ('gate', budgets)):
            for form in get_args(Format):
                if (what, form) != ('report', 'github'):
                    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
                        main(['report', str(self.folder / 'journal'), *arguments, '--format', form])
                    yield f'{what} as {form}', out.getvalue() + err.getvalue()
