"""For tests: a tap that remembers, a clock that stands still, and a provider whose pace is known.

The paced provider and its script imitate an OpenAI-compatible server on loopback; `pydantic-ai-slim[openai]` gives the
model class that talks to it.

With `pytest_plugins = ['streamtap.testing']` in `conftest.py`, tests have the fixtures `captap` and `tap_clock`, and
one that fails shows what was measured.
PYTEST_DONT_REWRITE: nothing here asserts, and a test may import it before pytest hears of it.
"""

from streamtap.testing._clock import FakeClock
from streamtap.testing._memory import Capture, MemorySink, capture, capture_of
from streamtap.testing._provider import PacedProvider
from streamtap.testing._request import ChatRequest
from streamtap.testing._script import Call, Drop, Fail, Hang, Pause, Reply, Say, Think, TokenUsage, words
from streamtap.testing._served import SentChunk, Served

# What pytest loads with this module, if it is told to: nobody else needs pytest.
pytest_plugins = ['streamtap.testing._plugin']

__all__ = [
    'Call',
    'Capture',
    'ChatRequest',
    'Drop',
    'Fail',
    'FakeClock',
    'Hang',
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
