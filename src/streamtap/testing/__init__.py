"""For tests: a tap that keeps its records, a clock that only the test advances, and a provider whose pace is known.

The paced provider and its script imitate an OpenAI-compatible server on loopback; `pydantic-ai-slim[openai]` has the
model class that talks to it.

With `pytest_plugins = ['streamtap.testing']` in `conftest.py`, tests have the fixtures `captap` and `tap_clock` and the
marker `streamtap_budget`, a test that fails shows what was measured, and `--streamtap-journal` keeps it.
PYTEST_DONT_REWRITE: nothing here asserts, and a test may import it before pytest loads it as a plugin.
"""

from streamtap._base.public import claim as _claim
from streamtap.testing._clock import FakeClock
from streamtap.testing._memory import Capture, MemorySink, capture, capture_of
from streamtap.testing._provider import PacedProvider
from streamtap.testing._request import ChatRequest
from streamtap.testing._script import Call, Drop, Fail, Hang, Hidden, Pause, Reply, Say, Think, TokenUsage, words
from streamtap.testing._served import SentChunk, Served

# What pytest loads along with this module, if that is a plugin: nothing else needs pytest.
pytest_plugins = [f'streamtap.testing._plugin.{name}' for name in ('fixtures', 'budget', 'journal')]

__all__ = [
    'Call',
    'Capture',
    'ChatRequest',
    'Drop',
    'Fail',
    'FakeClock',
    'Hang',
    'Hidden',
    'MemorySink',
    'PacedProvider',
    'Pause',
    'Reply',
    'Say',
    'SentChunk',
    'Served',
    'Think',
    'TokenUsage',
    'capture',
    'capture_of',
    'words',
]

_claim(__name__, __all__, globals())
