"""An agent's spans by the command `opentelemetry-instrument`, which the extra brings, without a line of code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

APPLICATION = """
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

Agent(TestModel(), name='greeter').run_sync('hello')
"""

command = Path(sys.executable).with_name('opentelemetry-instrument')
exporters = {'OTEL_TRACES_EXPORTER': 'console', 'OTEL_METRICS_EXPORTER': 'console', 'OTEL_LOGS_EXPORTER': 'none'}
# Their own warnings are theirs.
env = {**os.environ, **exporters, 'PYTHONWARNINGS': 'default'}
done = subprocess.run([command, sys.executable, '-c', APPLICATION], env=env, capture_output=True, text=True, check=True)
for name in ('invoke_agent greeter', 'chat test', 'pydantic_ai.runs'):
    assert f'"name": "{name}"' in done.stdout, (name, done.stderr)
