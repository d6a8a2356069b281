"""How gunicorn runs the application: each worker loads it by itself, and a dead one's gauges go with it."""

from typing import Protocol

workers = 2
worker_class = 'uvicorn_worker.UvicornWorker'


class Worker(Protocol):
    """What is used of gunicorn's worker."""

    pid: int


def child_exit(server: object, worker: Worker) -> None:
    """Take a dead worker's runs in progress out of the sum; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # pyright: ignore[reportUnknownVariableType]

    mark_process_dead(worker.pid)
