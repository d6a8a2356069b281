"""FastAPI streams an agent's answer, as server-sent events or as one JSON object per line, and shows its metrics.

Run it, then `curl -N '127.0.0.1:8000/sse?question=Why'`, the same of `/ndjson`, and `curl 127.0.0.1:8000/metrics/`.
Look at `pydantic_ai_run_time_to_first_output_seconds`, the blank screen of your users, and press Ctrl+C in a curl to
see a run `cancelled`. http://127.0.0.1:8000/live/ is the live page, for whoever logs in as `admin` with the
password that is in `LIVE_PASSWORD`.
Tutorials write `data: ...` lines by hand into a `StreamingResponse`; today FastAPI frames what a path operation yields.
"""

import asyncio
import base64
import os
import secrets
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streamtap import Tap, live_app, metrics_app


async def slowly(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model: put `Agent('openai:gpt-5.2', ...)` below instead."""
    await asyncio.sleep(0.3)
    for word in ['Because', 'the', 'sky', 'scatters', 'blue', 'light', 'most.']:
        yield f'{word} '
        await asyncio.sleep(0.05)


tap = Tap()
agent = Agent(
    FunctionModel(stream_function=slowly, model_name='slow'), name='physicist', capabilities=[tap.capability()]
)
app = FastAPI()
app.mount('/metrics', metrics_app())

page = live_app(tap)
# Without a password in the environment nobody knows it.
login = f'admin:{os.environ.get("LIVE_PASSWORD") or secrets.token_urlsafe()}'


async def staff(scope: Scope, receive: Receive, send: Send) -> None:
    """The live page behind a login: put your own here, and no dependency, as those do not apply to what is mounted."""
    sent, known = Headers(scope=scope).get('authorization', ''), f'Basic {base64.b64encode(login.encode()).decode()}'
    if secrets.compare_digest(sent.encode(), known.encode()):
        await page(scope, receive, send)
    else:
        await Response(status_code=401, headers={'WWW-Authenticate': 'Basic'})(scope, receive, send)


app.mount('/live', staff)


class Piece(BaseModel):
    """What a client gets, again and again."""

    text: str


async def answer(question: str) -> AsyncIterator[Piece]:
    """The answer, as it comes."""
    async with agent.run_stream(question) as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield Piece(text=text)


@app.get('/sse', response_class=EventSourceResponse)
async def sse(question: str) -> AsyncIterator[Piece]:
    """Server-sent events, for an `EventSource` in a browser."""
    async for piece in answer(question):
        yield piece


@app.get('/ndjson')
async def ndjson(question: str) -> AsyncIterator[Piece]:
    """One JSON object per line, for `fetch()` and for programs."""
    async for piece in answer(question):
        yield piece


if __name__ == '__main__':
    uvicorn.run(app, port=int(sys.argv[1]) if sys.argv[1:] else 8000)
