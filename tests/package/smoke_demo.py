"""The demo runs, and says which extra its traces need."""

from __future__ import annotations

import os
import subprocess

demo = ('streamtap', 'demo', '--for', '3', '--port', '0')
done = subprocess.run(demo, capture_output=True, text=True, check=True, timeout=60)
assert 'Metrics: http://127.0.0.1:' in done.stdout, done
assert 'Warning' not in done.stdout + done.stderr, done
traced = {**os.environ, 'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:9'}
refused = subprocess.run(demo, capture_output=True, text=True, check=False, env=traced, timeout=60)
assert (refused.returncode, 'streamtap[otel]' in refused.stderr) == (2, True), refused
