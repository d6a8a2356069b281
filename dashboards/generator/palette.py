"""The colours that mean something, the same on every board."""

from __future__ import annotations

from types import MappingProxyType

QUANTILES = MappingProxyType(
    {'p50': 'super-light-blue', 'p95': 'blue', 'p99': 'dark-blue', 'p5': 'blue', 'p1': 'dark-blue'}
)

OUTCOMES = MappingProxyType(
    {
        'success': 'green',
        'error': 'red',
        'failed': 'red',
        'timeout': 'dark-orange',
        'limit': 'purple',
        'retried': 'yellow',
        'denied': 'orange',
        'interrupted': 'dark-purple',
        'cancelled': 'blue',
        'deferred': 'light-blue',
        'incomplete': 'text',
    }
)

PHASES = MappingProxyType(
    {
        'queue': 'purple',
        'wait': 'orange',
        'stream': 'green',
        'model': 'yellow',
        'native_tools': 'light-blue',
        'tools': 'blue',
        'consumer': 'red',
        'other': 'text',
    }
)

TOKENS = MappingProxyType(
    {'input': 'blue', 'cached input': 'super-light-blue', 'output': 'green', 'reasoning': 'yellow'}
)

FEW_ARE_BAD = ((None, 'green'), (0.01, 'yellow'), (0.05, 'red'))
"""Verdict on a share of failures: 1 % is worth a look, 5 % is an incident."""

MOST_ARE_GOOD = ((None, 'red'), (0.9, 'yellow'), (0.95, 'green'))
"""Verdict on a share of good ones."""

NONE_IS_GOOD = ((None, 'green'), (1e-9, 'red'))
"""Verdict on what should not be there at all."""
