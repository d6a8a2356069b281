"""Several gunicorn workers, and one `/metrics` that is the sum of all of them.

Run it in this directory:
`PROMETHEUS_MULTIPROC_DIR=$(mktemp -d) gunicorn --config settings.py --bind 127.0.0.1:8000 app:app`
Then ask a few times, `curl '127.0.0.1:8000/answer?question=Why'`, and look at `curl 127.0.0.1:8000/metrics/`: whichever
worker answers, `pydantic_ai_runs_total` counts the runs of every one, also of those that are gone.
Without the directory each worker would show only its own, and the numbers would jump from scrape to scrape.
"""

import os

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import Tap, metrics_app

tap = Tap()
agent = Agent(TestModel(custom_output_text='Because.'), name='oracle', capabilities=[tap.capability()])

app = FastAPI()
app.mount('/metrics', metrics_app())


class Answer(BaseModel):
    """An answer, and the worker that gave it."""

    text: str
    worker: int


@app.get('/answer')
async def answer(question: str) -> Answer:
    """Ask the agent."""
    return Answer(text=(await agent.run(question)).output, worker=os.getpid())
