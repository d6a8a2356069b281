"""LiteLLM's proxy in front of a server."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from judges.agents import NAME
from support.real_servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextlib.contextmanager
def litellm(python: Path, upstream: int, folder: Path) -> Generator[int]:
    """The proxy on loopback; it says on which port.

    Args:
        python: The interpreter that has LiteLLM.
        upstream: The port of the server behind it.
        folder: Where its settings and its log go.
    """
    behind = {'model': f'openai/{NAME}', 'api_base': f'http://127.0.0.1:{upstream}/v1', 'api_key': 'none'}
    settings = {
        'model_list': [{'model_name': NAME, 'litellm_params': behind}],
        'litellm_settings': {'telemetry': False, 'num_retries': 0},
        # It is on loopback, for as long as the trial lasts, and the agents have no key.
        'general_settings': {'dangerously_permit_weak_or_unset_master_key': True},
    }
    port = free_port()
    config = folder / f'litellm-{port}.yaml'
    config.write_text(json.dumps(settings), encoding='utf-8')
    command = [str(python.with_name('litellm')), '--config', str(config), '--host', '127.0.0.1', '--port', str(port)]
    # It would fetch the newest list of prices.
    env = {**os.environ, 'LITELLM_LOCAL_MODEL_COST_MAP': 'True'}
    with running(command, port, folder / f'litellm-{port}.out', env=env, seconds=120):
        yield port
