"""A provider's own time, as servers send it and pydantic-ai keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from streamtap._upstream.provider_timing import retry_after, timing_of

LLAMA = {'timings': {'prompt_n': 5, 'prompt_ms': 50.5, 'predicted_n': 2, 'predicted_ms': 80.25}}
CEREBRAS = {
    'time_info': {'queue_time': 0.25, 'prompt_time': 0.5, 'completion_time': 1.5, 'total_time': 3.0, 'created': 1}
}
GROQ = {'x_groq': {'id': 'req', 'usage': {'queue_time': 0.25, 'prompt_time': 0.5, 'completion_time': 1.5}}}
ALL = {'queue': 0.25, 'prompt': 0.5, 'completion': 1.5}


SAID: list[tuple[Any, dict[str, float]]] = [
    ({'response': LLAMA}, {'prompt': 0.0505, 'completion': 0.08025}),
    ({'chunks': [{'delta': {}}, {'response': LLAMA}, {'choice': {}}]}, {'prompt': 0.0505, 'completion': 0.08025}),
    ({'response': CEREBRAS}, ALL),
    ({'chunks': [{'response': GROQ}]}, ALL),
    ({'chunks': [{'response': LLAMA}, *[{}] * 8]}, {}),
    ({'response': {'timings': {'prompt_ms': 'fast', 'predicted_ms': -1.0}}}, {}),
    ({'response': {'timings': {'prompt_ms': float('nan'), 'predicted_ms': True}}}, {}),
    ({'response': {'timings': [1]}, 'chunks': {'a': 1}}, {}),
    ('none', {}),
]


@pytest.mark.parametrize(('unmapped', 'timing'), SAID)
def test_times_are_read_where_servers_put_them(unmapped: Any, timing: dict[str, float]):
    """In a response, or in the last chunks of a stream; what is no time is none."""
    assert timing_of({'unmapped': unmapped}) == pytest.approx(timing)


@pytest.mark.parametrize('details', [None, {}, {'unmapped': None}, 'text'])
def test_without_them_there_are_none(details: Any):
    """As for every other provider."""
    assert timing_of(details) == {}


def test_when_to_come_again_is_what_the_provider_said():
    """Where it said so."""
    error = ConnectionError()
    assert retry_after(error) is None
    error.retry_after = 12  # type: ignore[attr-defined]
    assert retry_after(error) == 12.0
