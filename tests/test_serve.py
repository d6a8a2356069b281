"""`/metrics` over HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from scripted import agent

from streamtap import PrometheusSink, Tap, metrics_app, serve

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def test_metrics_are_served_on_loopback(registry: CollectorRegistry):
    """From a thread of its own, on any free port, until it is closed."""
    tap = Tap([PrometheusSink(registry)])
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    with serve(port=0, registry=registry) as server:
        assert server.addr == '127.0.0.1'
        shown = httpx.get(server.url, trust_env=False).text
    assert 'pydantic_ai_runs_total{agent="scripted",door="capability",outcome="success"} 1.0' in shown
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False)


def test_a_busy_port_says_what_to_do():
    """It names the port, and `metrics_app()` for an application that holds it."""
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match=rf'port {port} on 127\.0\.0\.1 is in use.*metrics_app\(\)'):
            serve(port=port)


def test_half_of_a_certificate_is_refused():
    """TLS needs both files."""
    with pytest.raises(ValueError, match='both certfile and keyfile'):
        serve(port=0, certfile='server.pem')


def test_an_application_can_mount_the_metrics(registry: CollectorRegistry):
    """As ASGI, in its own server."""
    tap = Tap([PrometheusSink(registry)])

    async def main() -> httpx.Response:
        await agent(['done'], capabilities=[tap.capability()]).run('hello')
        transport = httpx.ASGITransport(app=metrics_app(registry))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url='http://app') as client:
            return await client.get('/metrics', headers={'Accept': 'application/openmetrics-text'})

    answer = asyncio.run(main())
    assert answer.headers['content-type'].startswith('application/openmetrics-text')
    assert 'pydantic_ai_runs_total' in answer.text
    assert answer.text.endswith('# EOF\n')
