"""The live view as an application to mount."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streamtap import PrometheusSink, Tap, live_app
from streamtap import _asgi as asgi
from streamtap._web.page import MAX_VIEWERS
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from prometheus_client import CollectorRegistry

    from streamtap.typing import AsgiApp


@contextlib.asynccontextmanager
async def client(app: AsgiApp, root: str = '') -> AsyncGenerator[httpx.AsyncClient]:
    """Whoever the application lets in."""
    transport = httpx.ASGITransport(app=app, root_path=root)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url='http://app.example') as made:
        yield made


class Viewer:
    """A browser that reads the events, and leaves when it has had enough."""

    def __init__(self, app: AsgiApp, *, enough: int = 1) -> None:
        self.app = app
        self.enough = enough
        self.told = asyncio.Event()
        self.left = asyncio.Event()
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {'type': 'http.disconnect'}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if self.events():
            self.told.set()
        if len(self.sent) > self.enough:
            self.left.set()

    async def look(self, path: str = '/events', root: str = '') -> None:
        scope: dict[str, Any] = {
            'type': 'http',
            'method': 'GET',
            'path': path,
            'root_path': root,
            'query_string': b'',
            'headers': [],
        }
        await self.app(scope, self.receive, self.send)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        texts = [message['body'].decode() for message in self.sent[1:] if message['body']]
        lines = [dict(line.split(': ', 1) for line in text.strip().splitlines()) for text in texts]
        return [(each['event'], json.loads(each['data'])) for each in lines]


@pytest.mark.parametrize(('root', 'path'), [('', '/'), ('/live', '/live/'), ('/live', '/')])
def test_the_page_is_at_the_root_of_its_mount(root: str, path: str):
    """Whether or not the framework takes the place of the mount off the path."""

    async def main() -> list[httpx.Response]:
        async with client(live_app(Tap([])), root) as browser:
            return [await browser.get(f'{path}{file}') for file in ('', 'live.js', 'nothing')]

    page, script, nothing = asyncio.run(main())
    assert (page.status_code, script.status_code, nothing.status_code) == (200, 200, 404)
    assert page.headers['content-security-policy'].startswith("default-src 'none'")
    assert 'EventSource' not in page.text
    assert script.headers['content-type'] == 'text/javascript; charset=utf-8'


def test_the_metrics_that_the_page_links_to_are_those_of_the_tap(registry: CollectorRegistry):
    """Below the same mount, behind the same login."""
    tap = Tap([PrometheusSink(registry)])

    async def main() -> str:
        await agent(['done'], capabilities=[tap.capability()]).run('hello')
        async with client(live_app(tap), '/live') as browser:
            return (await browser.get('/live/metrics')).text

    assert 'pydantic_ai_runs_total{' in asyncio.run(main())


def test_a_viewer_is_told_of_runs_as_they_end():
    """First everything, then what is new, until it leaves."""
    tap = Tap([])

    async def main() -> Viewer:
        viewer = Viewer(live_app(tap), enough=2)
        looking = asyncio.create_task(viewer.look('/live/events', '/live'))
        await viewer.told.wait()
        await agent(['done'], capabilities=[tap.capability()]).run('hello')
        await looking
        return viewer

    viewer = asyncio.run(main())
    assert [(name, len(data['runs'])) for name, data in viewer.events()] == [('all', 0), ('more', 1)]
    assert dict(viewer.sent[0]['headers'])[b'Content-Type'] == b'text/event-stream'
    assert viewer.sent[-1] == {'type': 'http.response.body', 'body': b''}


def test_the_events_end_by_themselves(monkeypatch: pytest.MonkeyPatch):
    """A server that shuts down would wait for them; the browser asks again."""
    monkeypatch.setattr(asgi, 'LONGEST_EVENTS', 0.0)
    viewer = Viewer(live_app(Tap([])), enough=9)
    asyncio.run(asyncio.wait_for(viewer.look(), 10))
    assert not viewer.left.is_set()
    assert viewer.sent[-1] == {'type': 'http.response.body', 'body': b''}


def test_a_viewer_that_is_gone_leaves_its_place():
    """However it went."""

    async def main() -> list[int]:
        app = live_app(Tap([]))
        for _ in range(MAX_VIEWERS + 1):
            viewer = Viewer(app, enough=9)
            looking = asyncio.create_task(viewer.look())
            await viewer.told.wait()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        last = Viewer(app)
        await last.look()
        return [message['status'] for message in last.sent if 'status' in message]

    assert asyncio.run(main()) == [200]


def test_anything_but_a_tap_is_refused():
    """With what is expected."""
    wrong: Any = 9464
    with pytest.raises(TypeError, match='live_app\\(\\) takes a tap, not 9464'):
        live_app(wrong)
