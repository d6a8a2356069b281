"""For tests that measure what really takes time."""

from __future__ import annotations

import pytest

REAL_TIME = pytest.mark.flaky(reruns=2)
"""A machine that stands still for a moment disturbs one try, and not three; what is wrong is wrong each time."""
