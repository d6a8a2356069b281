"""An observability tap for Pydantic AI agents: time to first token, tokens per second, stalls, tools and cost."""

from importlib import import_module as _import_module
from sys import modules as _modules
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
    from streamtap._sinks.otel.logs import OTelLogSink
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
    'OTelLogSink',
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

_PLACES = {
    '_asgi': (
        'live_app',
        'metrics_app',
    ),
    '_delivery.sink': (
        'Attachment',
        'BaseSink',
        'Sink',
    ),
    '_doors.capability.hooks': ('TapCapability',),
    '_install.install': (
        'install',
        'uninstall',
    ),
    '_install.spec': ('Streamtap',),
    '_records.distribution': ('Distribution',),
    '_records.faults': (
        'Fault',
        'LoopLag',
    ),
    '_records.live': (
        'Live',
        'LiveResponse',
        'LiveRun',
        'LiveTool',
    ),
    '_records.objective': ('Objective',),
    '_records.records': (
        'CalledRuns',
        'FailureRecord',
        'LoopRecord',
        'McpRecord',
        'PartRecord',
        'ReaderRecord',
        'ResponseRecord',
        'RunRecord',
        'ToolRecord',
    ),
    '_records.starts': (
        'ResponseStart',
        'RunStart',
        'ToolStart',
    ),
    '_serve': (
        'MetricsServer',
        'serve',
    ),
    '_sinks.journal.reader': (
        'BrokenJournalError',
        'BrokenLine',
        'read_journal',
    ),
    '_sinks.journal.sink': ('JournalSink',),
    '_sinks.log': ('LogSink',),
    '_sinks.otel.logs': ('OTelLogSink',),
    '_sinks.otel.metrics': ('OTelMetricSink',),
    '_sinks.otel.spans': ('OTelSpanSink',),
    '_sinks.progress.run_progress': ('RunProgress',),
    '_sinks.progress.sink': ('Progress',),
    '_sinks.prometheus.sink': ('PrometheusSink',),
    '_sinks.usage.ledger': ('UsageSink',),
    '_sinks.usage.summary': ('UsageSummary',),
    '_tap': (
        'Tap',
        'default_sinks',
    ),
}
"""The modules that have these names, as imported above for those who read types."""


if not TYPE_CHECKING:  # So that a name that is misspelt is one for those who read types.

    def __getattr__(name: str) -> object:
        """Import what has a public name when it is asked for, and adopt what came along with it.

        So the command says its version without importing Pydantic AI, which takes a second, and who needs no server
        imports none.
        """
        if name == 'typing':
            return _import_module(f'{__name__}.typing')
        place = next((place for place, names in _PLACES.items() if name in names), None)
        if place is None:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        from streamtap._base.public import claim

        _import_module(f'{__name__}.{place}')
        for each, names in _PLACES.items():
            if (module := _modules.get(f'{__name__}.{each}')) is not None and names[0] not in globals():
                globals().update({exported: getattr(module, exported) for exported in names})
                claim(__name__, names, globals())
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, 'typing'})
