"""Types in the signatures and fields of streamtap's public names, for annotations of your own."""

from streamtap._asgi import AsgiApp
from streamtap._base.clock import Clock
from streamtap._base.public import claim as _claim
from streamtap._delivery.redaction import Redact, RedactedField
from streamtap._display.grid import Column, Grid
from streamtap._records.records import (
    CacheMissReason,
    CostSource,
    Door,
    FailurePlace,
    ObjectivePart,
    RequestOutcome,
    RunOutcome,
    ToolKind,
    ToolOutcome,
    Transport,
    UnmeasuredReason,
)
from streamtap._runs.objectives import Objectives
from streamtap._runs.price import Price
from streamtap._runs.tool_errors import ToolError
from streamtap._sinks.otel.conventions.profiles import Semconv
from streamtap._sinks.prometheus.instruments import Histograms
from streamtap._sinks.usage.figures import (
    AgentUsage,
    FailureUsage,
    LabelUsage,
    ModelUsage,
    RecentRun,
    RunsUsage,
    ToolUsage,
    Usage,
)

__all__ = [
    'AgentUsage',
    'AsgiApp',
    'CacheMissReason',
    'Clock',
    'Column',
    'CostSource',
    'Door',
    'FailurePlace',
    'FailureUsage',
    'Grid',
    'Histograms',
    'LabelUsage',
    'ModelUsage',
    'ObjectivePart',
    'Objectives',
    'Price',
    'RecentRun',
    'Redact',
    'RedactedField',
    'RequestOutcome',
    'RunOutcome',
    'RunsUsage',
    'Semconv',
    'ToolError',
    'ToolKind',
    'ToolOutcome',
    'ToolUsage',
    'Transport',
    'UnmeasuredReason',
    'Usage',
]

_claim(__name__, __all__, globals())
