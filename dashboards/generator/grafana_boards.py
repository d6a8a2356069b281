"""The boards for Grafana."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.board_models import MODELS
from generator.board_overview import OVERVIEW
from generator.board_streaming import STREAMING
from generator.board_tools import TOOLS

if TYPE_CHECKING:
    from config import Config

BOARDS = (OVERVIEW, STREAMING, MODELS, TOOLS)


def grafana_files(config: Config, user_labels: tuple[str, ...] = ()) -> dict[str, str]:
    """The text of each board's file, by its path under `dashboards/`.

    Args:
        config: What is good and what is bad, and what the server is.
        user_labels: The user's own labels, as in `Tap(labels=...)`.
    """
    boards = {f'grafana/{board.name}.json': board.render(config, user_labels) for board in BOARDS}
    return {path: json.dumps(board, indent=2, ensure_ascii=False) + '\n' for path, board in boards.items()}
