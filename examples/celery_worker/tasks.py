"""Celery: a worker with several processes, one `/metrics` that is the sum of them, and no run lost when they end.

Run it in this directory: `export QUEUE=$(mktemp -d)`, then
`PROMETHEUS_MULTIPROC_DIR=$(mktemp -d) celery --app tasks worker --concurrency 2 &` and `python send.py`.
Look at `curl 127.0.0.1:9464/metrics`, which counts the runs of every process, and at the journals in `$QUEUE`, one for
each process. Celery's processes end without the functions that Python calls at exit, so the tap is closed by a signal.
"""

import os
from pathlib import Path

from celery import Celery
from celery.signals import task_postrun, worker_process_shutdown, worker_ready
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import JournalSink, Tap, default_sinks, serve

FOLDER = Path(os.environ['QUEUE'])

# A folder stands for a broker: yours is `Celery('tasks', broker='redis://...', backend=...)`, without options.
app = Celery('tasks', broker='filesystem://', backend=f'file://{FOLDER}')
app.conf.broker_transport_options = {
    'data_folder_in': str(FOLDER),
    'data_folder_out': str(FOLDER),
    'control_folder': str(FOLDER / 'control'),
    'polling_interval': 0.1,
}

# Made before Celery forks: each process continues with a tap of its own.
tap = Tap([*default_sinks(), JournalSink(FOLDER / 'runs-{pid}.jsonl')])
agent = Agent(TestModel(custom_output_text='Short.'), name='summary', capabilities=[tap.capability(stream=True)])


@app.task(name='summarise')
def summarise(text: str) -> str:
    """A job: one run."""
    return agent.run_sync(text).output


@worker_ready.connect
def show(**_: object) -> None:
    """Serve the metrics, in the process that starts the others."""
    serve(port=int(os.environ.get('METRICS_PORT', '9464')))


@task_postrun.connect
def flush(**_: object) -> None:
    """Deliver what the job measured, so that a process that is killed loses at most its current job."""
    tap.flush()


@worker_process_shutdown.connect
def close(**_: object) -> None:
    """Report what is still open."""
    tap.close()
