"""An observability tap for Pydantic AI agents: time to first token, tokens per second, stalls, tools and cost."""

from streamtap._capability import TapCapability
from streamtap._distribution import Distribution
from streamtap._journal import JournalSink
from streamtap._journal_reader import BrokenJournalError, BrokenLine, read_journal
from streamtap._live import Live, LiveResponse, LiveRun, LiveTool
from streamtap._log import LogSink
from streamtap._otel_metrics import MetricSink
from streamtap._progress import Progress, RunProgress
from streamtap._prometheus import PrometheusSink
from streamtap._records import (
    Fault,
    LoopLag,
    PartRecord,
    ResponseRecord,
    ResponseStart,
    RunRecord,
    RunStart,
    ToolRecord,
    ToolStart,
)
from streamtap._serve import MetricsServer, metrics_app, serve
from streamtap._sinks import Attachment, BaseSink, Sink
from streamtap._spans import SpanSink
from streamtap._tap import Tap, default_sinks
from streamtap._usage import UsageSink
from streamtap._usage_summary import UsageSummary
from streamtap._version import __version__

__all__ = [
    'Attachment',
    'BaseSink',
    'BrokenJournalError',
    'BrokenLine',
    'Distribution',
    'Fault',
    'JournalSink',
    'Live',
    'LiveResponse',
    'LiveRun',
    'LiveTool',
    'LogSink',
    'LoopLag',
    'MetricSink',
    'MetricsServer',
    'PartRecord',
    'Progress',
    'PrometheusSink',
    'ResponseRecord',
    'ResponseStart',
    'RunProgress',
    'RunRecord',
    'RunStart',
    'Sink',
    'SpanSink',
    'Tap',
    'TapCapability',
    'ToolRecord',
    'ToolStart',
    'UsageSink',
    'UsageSummary',
    '__version__',
    'default_sinks',
    'metrics_app',
    'read_journal',
    'serve',
]
