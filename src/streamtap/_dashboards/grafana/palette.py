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
    {
        'input': 'blue',
        'cached input': 'super-light-blue',
        'output': 'green',
        'reasoning': 'yellow',
        'cache writes': 'purple',
    }
)

MISSES = MappingProxyType({'prefix_changed': 'red', 'expired': 'blue', 'below_minimum': 'text', 'unknown': 'orange'})
