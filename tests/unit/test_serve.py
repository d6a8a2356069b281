"""`/metrics` over HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamtap import MetricsServer, PrometheusSink, Tap, metrics_app, serve
from support.real_servers import free_port
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def test_metrics_are_served_on_loopback(registry: CollectorRegistry):
    """From a thread of its own, on any free port, until it is closed."""
    tap = Tap([PrometheusSink(registry)])
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    with serve(port=0, registry=registry) as server:
        assert server.addr == '127.0.0.1'
        shown = httpx.get(server.url, trust_env=False).text
    assert 'pydantic_ai_runs_total{agent="scripted",door="capability",nested="false",outcome="success"} 1.0' in shown
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


WORKER = """
import sys
from streamtap import Tap, serve
with serve(Tap(), port=int(sys.argv[1])) as server:
    print(server.is_serving, server.url, server.live_url, flush=True)
    sys.stdin.read()
"""


def worker(port: int) -> subprocess.Popen[str]:
    """Another process of the one that tests, which serves."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, '-c', WORKER, str(port)], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.skipif(sys.platform != 'linux', reason='elsewhere nothing tells who listens')
def test_a_port_that_another_worker_has_is_a_warning():
    """The workers of one server all try, and none of them must fail for it; the first one serves."""
    port = free_port()
    url = f'http://127.0.0.1:{port}/'
    with worker(port) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == f'True {url}metrics {url}\n'
        with worker(port) as second:
            said, warned = second.communicate(timeout=30)
        assert said == f'False {url}metrics None\n'
        assert warned == (
            f'streamtap: port {port} on 127.0.0.1 is in use by another worker of this server, which answers there with '
            'its own metrics only: set PROMETHEUS_MULTIPROC_DIR to see those of all workers; this worker does not serve\n'
        )
        assert httpx.get(url, trust_env=False).status_code == 200
        first.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)


def test_the_metrics_of_a_tap_are_those_of_its_own_registry(registry: CollectorRegistry):
    """Unless another one is named."""
    other = CollectorRegistry()
    tap = Tap([PrometheusSink(registry)])
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    with serve(tap, port=0) as own, serve(tap, port=0, registry=other) as named:
        assert 'pydantic_ai_runs_total{' in httpx.get(own.url, trust_env=False).text
        assert httpx.get(named.url, trust_env=False).text == ''


def test_a_tap_without_prometheus_serves_the_default_registry():
    """As `serve()` does without a tap."""
    with serve(Tap([]), port=0) as server:
        assert 'python_info' in httpx.get(server.url, trust_env=False).text


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        ({'certfile': 'server.pem'}, 'both certfile and keyfile'),
        ({'keyfile': 'server.key'}, 'both certfile and keyfile'),
        ({'certfile': '', 'keyfile': ''}, 'both certfile and keyfile'),
        ({'client_auth_required': True}, 'without certfile and keyfile there is no TLS'),
        ({'client_cafile': 'ca.pem'}, 'without certfile and keyfile there is no TLS'),
        ({'tls_min_version': ssl.TLSVersion.TLSv1_3}, 'without certfile and keyfile there is no TLS'),
        ({'certfile': 'a', 'keyfile': 'b', 'client_cafile': 'ca.pem'}, 'only checked with client_auth_required'),
    ],
)
def test_what_would_protect_nothing_is_refused(arguments: dict[str, Any], says: str):
    """Rather than served in the open."""
    with pytest.raises(ValueError, match=says):
        serve(port=0, **arguments)


@dataclass(frozen=True)
class Certificates:
    """A certificate authority of the test's own, and the files of a server that has its certificate."""

    authority: trustme.CA
    files: dict[str, Any]
    authority_file: str

    def client(self, *, shown_by: trustme.CA | None = None) -> ssl.SSLContext:
        """What a client needs that trusts the server, and shows a certificate if it is given who issued it."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
        if shown_by is not None:
            shown_by.issue_cert('prometheus@example.org').configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        return context


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    authority = trustme.CA()
    issued = authority.issue_cert('127.0.0.1')
    certfile, keyfile, ca = (tmp_path / name for name in ('server.pem', 'server.key', 'ca.pem'))
    issued.cert_chain_pems[0].write_to_path(certfile)
    issued.private_key_pem.write_to_path(keyfile)
    authority.cert_pem.write_to_path(ca)
    return Certificates(authority, {'certfile': str(certfile), 'keyfile': str(keyfile)}, str(ca))


def scraped(server: MetricsServer, client: ssl.SSLContext) -> int:
    """The status of a scrape."""
    return httpx.get(server.url, verify=client, trust_env=False).status_code


def test_metrics_are_served_by_tls(registry: CollectorRegistry, certificates: Certificates):
    """To whoever trusts the certificate, and not in the clear."""
    with serve(port=0, registry=registry, **certificates.files) as server:
        assert server.url.startswith('https://127.0.0.1:')
        assert scraped(server, certificates.client()) == 200
        with pytest.raises(httpx.ConnectError, match='CERTIFICATE_VERIFY_FAILED'):
            scraped(server, ssl.create_default_context())
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(server.url.replace('https', 'http'), trust_env=False)


def test_only_clients_with_a_certificate_of_the_authority_are_served(
    registry: CollectorRegistry, certificates: Certificates
):
    """One of another authority, or none, is not enough."""
    required: dict[str, Any] = {'client_cafile': certificates.authority_file, 'client_auth_required': True}
    with serve(port=0, registry=registry, **certificates.files, **required) as server:
        assert scraped(server, certificates.client(shown_by=certificates.authority)) == 200
        for client in (certificates.client(), certificates.client(shown_by=trustme.CA())):
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
                scraped(server, client)


def test_old_versions_of_tls_can_be_refused(registry: CollectorRegistry, certificates: Certificates):
    """What the lowest is, is passed on."""
    with serve(port=0, registry=registry, **certificates.files, tls_min_version=ssl.TLSVersion.TLSv1_3) as server:
        client = certificates.client()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(httpx.ConnectError, match=r'(?i)version'):
            scraped(server, client)


def test_a_client_that_says_nothing_holds_up_nobody(registry: CollectorRegistry, certificates: Certificates):
    """Neither the next scrape nor the end of the server."""
    with (
        serve(port=0, registry=registry, **certificates.files) as server,
        socket.create_connection((server.addr, server.port)),
    ):
        assert scraped(server, certificates.client()) == 200
        server.close()


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


def test_a_scrape_of_a_mounted_application_does_not_hold_its_loop(registry: CollectorRegistry):
    """The metrics are gathered in a thread: one that takes its time leaves the application running."""
    went_on = threading.Event()

    class Slow(Collector):
        def collect(self) -> Iterable[Metric]:
            return [GaugeMetricFamily('went_on', 'Whether the loop did.', value=float(went_on.wait(10)))]

    registry.register(Slow())

    async def main() -> str:
        transport = httpx.ASGITransport(app=metrics_app(registry))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url='http://app') as client:
            scrape = asyncio.create_task(client.get('/metrics'))
            await asyncio.sleep(0.01)
            went_on.set()
            return (await scrape).text

    assert 'went_on 1.0' in asyncio.run(main())
