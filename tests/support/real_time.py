"""For tests that measure what really takes time."""

from __future__ import annotations

import pytest

REAL_TIME = pytest.mark.flaky(reruns=5, reruns_delay=2)
"""A machine that is busy for some seconds disturbs a few tries, and not six; what is wrong is wrong each time."""
