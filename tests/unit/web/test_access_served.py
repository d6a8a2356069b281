"""The one rule holds wherever the metrics and the live view are served."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, Tap, live_app, metrics_app, serve
from streamtap._web.guarded import SAFETY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from streamtap import MetricsServer
    from streamtap.typing import AsgiApp

TOKEN = 'hvXq2-bMWc71_kTzRpLd'
METRICS_TOKEN = 'pQ8sYw3NfJ0aGm5UeXoC'
FOREIGN = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script'}


@contextlib.contextmanager
def client(server: MetricsServer, **settings: Any) -> Generator[httpx.Client]:
    with httpx.Client(base_url=server.url.removesuffix('metrics'), trust_env=False, **settings) as it:
        yield it


def is_safe(answer: httpx.Response) -> bool:
    """Whether it has each of the headers that every answer has, once."""
    return all(answer.headers.get_list(name) == [value] for name, value in SAFETY_HEADERS)


@pytest.mark.parametrize('tap', [None, Tap([BaseSink()])], ids=['metrics', 'page'])
def test_a_server_on_loopback_keeps_the_rule(tap: Tap | None):
    """With and without a live view: names, proxies and pages elsewhere, and the headers of every answer."""
    with serve(tap, port=0, registry=CollectorRegistry()) as server, client(server) as browser:
        for path in ('/metrics', '/'):
            answers = [
                browser.get(path),
                browser.get(path, headers={'Host': 'example.org'}),
                browser.get(path, headers={'X-Forwarded-For': '192.0.2.1'}),
                browser.get(path, headers=FOREIGN),
            ]
            assert [(answer.status_code, is_safe(answer)) for answer in answers] == [
                (200, True),
                (403, True),
                (403, True),
                (403, True),
            ]
        assert is_safe(browser.post('/'))
        assert is_safe(browser.get('/nothing'))


@pytest.mark.parametrize('tap', [None, Tap([BaseSink()])], ids=['metrics', 'page'])
def test_a_server_asks_for_the_metrics_token(tap: Tap | None):
    """With and without a live view, whose own path it does not open."""
    with (
        serve(tap, port=0, registry=CollectorRegistry(), metrics_token=METRICS_TOKEN) as server,
        client(server) as browser,
    ):
        assert browser.get('/metrics').status_code == 401
        assert browser.get('/metrics', headers={'Authorization': f'Bearer {METRICS_TOKEN}'}).status_code == 200
        assert browser.get('/').status_code == (401 if tap is None else 200)


def test_a_server_on_a_network_is_scraped_by_any_name():
    """As in a cluster."""
    with serve(port=0, addr='0.0.0.0', registry=CollectorRegistry()) as server:
        url = f'http://127.0.0.1:{server.port}/metrics'
        assert httpx.get(url, headers={'Host': 'agents.monitoring.svc:9464'}, trust_env=False).status_code == 200
        assert httpx.get(url, headers=FOREIGN, trust_env=False).status_code == 403


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    """The files of a server's certificate."""
    issued = authority.issue_cert('127.0.0.1')
    issued.cert_chain_pems[0].write_to_path(tmp_path / 'server.pem')
    issued.private_key_pem.write_to_path(tmp_path / 'server.key')
    authority.cert_pem.write_to_path(tmp_path / 'ca.pem')
    return {'certfile': str(tmp_path / 'server.pem'), 'keyfile': str(tmp_path / 'server.key')}


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def test_over_tls_the_cookie_is_secure(authority: trustme.CA, files: dict[str, Any]):
    """And opens the page."""
    with (
        serve(Tap([BaseSink()]), port=0, token=TOKEN, registry=CollectorRegistry(), **files) as server,
        client(server, verify=trusting(authority)) as browser,
    ):
        entered = browser.get(f'/?token={TOKEN}')
        assert entered.headers['set-cookie'].startswith(f'__Host-streamtap_{server.port}=')
        assert entered.headers['set-cookie'].endswith('; Secure')
        assert browser.get('/').status_code == 200


def test_a_proxy_with_a_certificate_may_pass_scrapes_on(authority: trustme.CA, files: dict[str, Any], tmp_path: Path):
    """Where the server asks for one."""
    context = trusting(authority)
    authority.issue_cert('proxy@example.org').configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    ca = str(tmp_path / 'ca.pem')
    with (
        serve(port=0, registry=CollectorRegistry(), **files, client_cafile=ca, client_auth_required=True) as server,
        client(server, verify=context) as proxy,
    ):
        passed_on = {'Host': 'agents.example.org', 'X-Forwarded-For': '192.0.2.1'}
        assert proxy.get('/metrics', headers=passed_on).status_code == 200


@pytest.mark.parametrize('kind', ['metrics', 'page'])
def test_what_is_mounted_refuses_other_pages_too(kind: str):
    """By any name and through any proxy: those are the application's to check."""
    app: AsgiApp = metrics_app(CollectorRegistry()) if kind == 'metrics' else live_app(Tap([BaseSink()]))

    async def main() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url='http://app.example') as browser:
            passed_on = {'X-Forwarded-For': '192.0.2.1'}
            return [await browser.get('/', headers=passed_on), await browser.get('/', headers=FOREIGN)]

    answers = asyncio.run(main())
    assert [(answer.status_code, is_safe(answer)) for answer in answers] == [(200, True), (403, True)]
