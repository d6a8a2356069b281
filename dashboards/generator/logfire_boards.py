"""The boards for Logfire: three from the spans that every tap sends, one from the metrics of `OTelMetricSink`."""

from __future__ import annotations

from generator.logfire_agents import AGENTS
from generator.logfire_live import LIVE
from generator.logfire_models import MODELS_AND_TOOLS
from generator.logfire_streaming import STREAMING

BOARDS = (AGENTS, STREAMING, MODELS_AND_TOOLS, LIVE)


def logfire_files() -> dict[str, str]:
    """The text of each board's file, by its path under `dashboards/`."""
    # Not `logfire/`: beside generate.py it is taken for the package where that is not installed.
    return {f'logfire-boards/{board.name}.json': board.render() for board in BOARDS}
