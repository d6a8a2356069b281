"""The boards for Logfire: three from the spans that every tap sends, one from the metrics of `OTelMetricSink`."""

from __future__ import annotations

from streamtap._dashboards.logfire.agents import AGENTS
from streamtap._dashboards.logfire.live import LIVE
from streamtap._dashboards.logfire.models import MODELS_AND_TOOLS
from streamtap._dashboards.logfire.streaming import STREAMING

BOARDS = (AGENTS, STREAMING, MODELS_AND_TOOLS, LIVE)


def logfire_files() -> dict[str, str]:
    """The text of each board's file, by its path in an export."""
    return {f'logfire/{board.name}.json': board.render() for board in BOARDS}
