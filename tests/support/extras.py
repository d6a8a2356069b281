"""The extras that users are told of.

It imports nothing: an environment without the package reads it too.
"""

from __future__ import annotations

EXTRAS = {'auto', 'demo', 'evals', 'fleet', 'logfire', 'otel', 'rich'}
