"""An observability tap for Pydantic AI agents: time to first token, tokens per second, stalls, tools and cost."""

from streamtap import typing as typing
from streamtap._asgi import live_app, metrics_app
from streamtap._base.public import claim as _claim
from streamtap._delivery.sink import Attachment, BaseSink, Sink
from streamtap._doors.capability.hooks import TapCapability
from streamtap._install.install import install, uninstall
from streamtap._install.spec import Streamtap
from streamtap._records.distribution import Distribution
from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
from streamtap._records.records import (
    CalledRuns,
    Fault,
    LoopLag,
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
from streamtap._sinks.progress import Progress, RunProgress
from streamtap._sinks.prometheus.sink import PrometheusSink
from streamtap._sinks.usage.ledger import UsageSink
from streamtap._sinks.usage.summary import UsageSummary
from streamtap._tap import Tap, default_sinks
from streamtap._version import __version__

__all__ = [
    'Attachment',
    'BaseSink',
    'BrokenJournalError',
    'BrokenLine',
    'CalledRuns',
    'Distribution',
    'Fault',
    'JournalSink',
    'Live',
    'LiveResponse',
    'LiveRun',
    'LiveTool',
    'LogSink',
    'LoopLag',
    'MetricsServer',
    'OTelMetricSink',
    'OTelSpanSink',
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

_claim(__name__, __all__, globals())
