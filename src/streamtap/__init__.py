"""An observability tap for Pydantic AI agents: time to first token, tokens per second, stalls, tools and cost."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from streamtap._version import __version__

if TYPE_CHECKING:
    from streamtap import typing as typing
    from streamtap._asgi import live_app, metrics_app
    from streamtap._delivery.sink import Attachment, BaseSink, Sink
    from streamtap._doors.capability.hooks import TapCapability
    from streamtap._install.install import install, uninstall
    from streamtap._install.spec import Streamtap
    from streamtap._records.distribution import Distribution
    from streamtap._records.faults import Fault, LoopLag
    from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
    from streamtap._records.objective import Objective
    from streamtap._records.records import (
        CalledRuns,
        FailureRecord,
        LoopRecord,
        McpRecord,
        PartRecord,
        ReaderRecord,
        ResponseRecord,
        RunRecord,
        ToolRecord,
    )
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart
    from streamtap._serve import MetricsServer, serve
    from streamtap._sinks.journal.reader import BrokenJournalError, BrokenLine, read_journal
    from streamtap._sinks.journal.sink import JournalSink
    from streamtap._sinks.log import LogSink
    from streamtap._sinks.otel.metrics import OTelMetricSink
    from streamtap._sinks.otel.spans import OTelSpanSink
    from streamtap._sinks.progress.run_progress import RunProgress
    from streamtap._sinks.progress.sink import Progress
    from streamtap._sinks.prometheus.sink import PrometheusSink
    from streamtap._sinks.usage.ledger import UsageSink
    from streamtap._sinks.usage.summary import UsageSummary
    from streamtap._tap import Tap, default_sinks

__all__ = [
    'Attachment',
    'BaseSink',
    'BrokenJournalError',
    'BrokenLine',
    'CalledRuns',
    'Distribution',
    'FailureRecord',
    'Fault',
    'JournalSink',
    'Live',
    'LiveResponse',
    'LiveRun',
    'LiveTool',
    'LogSink',
    'LoopLag',
    'LoopRecord',
    'McpRecord',
    'MetricsServer',
    'OTelMetricSink',
    'OTelSpanSink',
    'Objective',
    'PartRecord',
    'Progress',
    'PrometheusSink',
    'ReaderRecord',
    'ResponseRecord',
    'ResponseStart',
    'RunProgress',
    'RunRecord',
    'RunStart',
    'Sink',
    'Streamtap',
    'Tap',
    'TapCapability',
    'ToolRecord',
    'ToolStart',
    'UsageSink',
    'UsageSummary',
    '__version__',
    'default_sinks',
    'install',
    'live_app',
    'metrics_app',
    'read_journal',
    'serve',
    'uninstall',
]

_PLACES = (
    'typing',
    '_asgi',
    '_delivery.sink',
    '_doors.capability.hooks',
    '_install.install',
    '_install.spec',
    '_records.distribution',
    '_records.faults',
    '_records.live',
    '_records.objective',
    '_records.records',
    '_records.starts',
    '_serve',
    '_sinks.journal.reader',
    '_sinks.journal.sink',
    '_sinks.log',
    '_sinks.otel.metrics',
    '_sinks.otel.spans',
    '_sinks.progress.run_progress',
    '_sinks.progress.sink',
    '_sinks.prometheus.sink',
    '_sinks.usage.ledger',
    '_sinks.usage.summary',
    '_tap',
)
"""The modules that have these names, as imported above for those who read types."""


if not TYPE_CHECKING:  # So that a name that is misspelt is one for those who read types.

    def __getattr__(name: str) -> object:
        """Import what is public, all of it, when the first of it is asked for.

        So the command says its version without importing Pydantic AI, which takes a second.
        """
        if name not in (*__all__, 'typing'):
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        from streamtap._base.public import claim

        for place in _PLACES:
            found = vars(_import_module(f'{__name__}.{place}'))
            globals().update({each: found[each] for each in __all__ if each in found})
        claim(__name__, __all__, globals())
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, 'typing'})
