"""Arize Phoenix, which shows traces of agents, on loopback."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

# Its gRPC server listens on every interface, which no option changes: so it is left out.
WITHOUT_GRPC = """
from phoenix.server import grpc_server

async def nothing(*_): ...

grpc_server.GrpcServer.__aenter__ = nothing

from phoenix.server.main import main

main()
"""


@dataclass(frozen=True)
class Phoenix:
    """A running one."""

    url: str

    def get(self, path: str) -> Any:
        """What its REST API answers."""
        answer = httpx.get(f'{self.url}/v1/{path}', trust_env=False)
        return answer.json()['data'] if answer.is_success else None

    def spans(self, project: str, count: int) -> list[dict[str, Any]]:
        """Those of a project, in the order of their starts, once there are that many."""

        def look() -> list[dict[str, Any]] | None:
            found = self.get(f'projects/{project}/spans?limit=1000')
            return found if found and len(found) >= count else None

        return sorted(wait_for(look, f'{count} spans of {project}'), key=lambda span: span['start_time'])


@contextlib.contextmanager
def phoenix(environment: Path, folder: Path) -> Generator[Phoenix]:
    """Run Phoenix until the end of the block.

    Args:
        environment: The virtual environment in which it is installed.
        folder: An empty folder, for what it keeps.
    """
    port = free_port()
    settings = {
        'PHOENIX_WORKING_DIR': str(folder),
        'PHOENIX_HOST': '127.0.0.1',
        'PHOENIX_PORT': str(port),
        'PHOENIX_TELEMETRY_ENABLED': 'false',
        'PHOENIX_ALLOW_EXTERNAL_RESOURCES': 'false',
    }
    # Isolated from this process's own modules.
    command = [str(environment / 'bin' / 'python'), '-I', '-c', WITHOUT_GRPC, 'serve']
    with running(command, port, folder / 'log', env={**os.environ, **settings}, seconds=180):
        yield Phoenix(f'http://127.0.0.1:{port}')
