"""What some tests need of the machine: where it is missing they skip, saying so, and in CI they fail."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from support.paths import ROOT

SERVERS = ROOT / '.servers' / 'usr' / 'bin'
REQUIRE_REAL = os.environ.get('STREAMTAP_REQUIRE_REAL') == '1'


def missing(server: str, remedy: str) -> NoReturn:
    """Skip the test for want of a real server, saying so; in CI, which must have it, fail."""
    if REQUIRE_REAL:
        pytest.fail(f'{server} is missing, and CI must have it: {remedy}')
    pytest.skip(f'{server} is not installed: {remedy}')
