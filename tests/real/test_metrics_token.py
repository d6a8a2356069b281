"""A real Prometheus shows the token of the metrics."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Gauge

from streamtap import serve
from support.prometheus_server import scraping
from support.real_servers import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.mark.parametrize('shown', ['right', 'wrong'])
def test_prometheus_scrapes_with_the_token(each_prometheus: str, tmp_path: Path, shown: str):
    """By `authorization.credentials`; a wrong one is refused, and Prometheus says so."""
    registry = CollectorRegistry()
    Gauge('secret', 'Something.', registry=registry).set(7)
    token = secrets.token_urlsafe()
    with serve(port=0, registry=registry, metrics_token=token) as server:
        credentials = {'credentials': token if shown == 'right' else secrets.token_urlsafe()}
        with scraping(each_prometheus, f'127.0.0.1:{server.port}', tmp_path / 'p', authorization=credentials) as it:
            if shown == 'right':
                it.scrape_now()
                assert it.ask('secret') == {(('__name__', 'secret'),): 7.0}
            else:
                said = wait_for(
                    lambda: ''.join(each['lastError'] for each in it.get('targets')['activeTargets']) or None,
                    'the first scrape',
                )
                assert '401 Unauthorized' in said
                assert it.ask('secret') == {}
