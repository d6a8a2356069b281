"""The boards for Grafana."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.health import HEALTH
from streamtap._dashboards.grafana.models import MODELS
from streamtap._dashboards.grafana.overview import OVERVIEW
from streamtap._dashboards.grafana.streaming import STREAMING
from streamtap._dashboards.grafana.tools import TOOLS

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

BOARDS = (OVERVIEW, HEALTH, STREAMING, MODELS, TOOLS)


def grafana_files(config: Config) -> dict[str, str]:
    """The text of each board's file, by its path in an export.

    Args:
        config: What is good and what is bad, what the server is, and the user's own labels.
    """
    boards = {f'grafana/{board.name}.json': board.render(config) for board in BOARDS}
    return {path: json.dumps(board, indent=2, ensure_ascii=False) + '\n' for path, board in boards.items()}
