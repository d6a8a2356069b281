"""A run may end badly after its response ended well: the response is then what it was, and the run what it is."""

from __future__ import annotations

import asyncio

import pytest
from pydantic_ai import Agent

from streamtap.testing import PacedProvider, Reply, capture, words
from support.paced_models import paced_client, paced_model
from support.real_time import REAL_TIME

pytestmark = REAL_TIME


@pytest.mark.parametrize('fails', ['validator', 'body', 'deadline'])
def test_an_answer_that_was_read_to_its_end_is_one_whatever_follows(fails: str):
    """A validator refuses it, the code that reads it fails, or its time is up."""
    provider = PacedProvider([Reply(words('a word ' * 20), every=0.02)])
    with provider, capture() as seen:

        async def main() -> None:
            async with paced_client(provider) as client:
                made = Agent(paced_model(client), capabilities=[seen.tap.capability()])
                if fails == 'validator':

                    @made.output_validator
                    def refuse(_: str) -> str:
                        raise LookupError

                async with made.run_stream('hello') as result:
                    await result.get_output()
                    if fails == 'body':
                        raise LookupError
                    await asyncio.wait_for(asyncio.Event().wait(), 0.01)

        with pytest.raises((LookupError, asyncio.TimeoutError)):
            asyncio.run(main())
        (response,) = seen.responses()
        assert (response.outcome, response.finish_reason, response.chunks) == ('success', 'stop', 40)
        assert response.output_tokens_per_second is not None
        assert response.usage_reported
        assert seen.run().outcome == 'error'


def test_a_stream_that_was_cut_short_was_not_read_to_its_end():
    """By whoever read it, before that code fails."""
    provider = PacedProvider([Reply(words('one two three four five six'), every=0.02)])
    with provider, capture() as seen:

        async def main() -> None:
            async with paced_client(provider) as client:
                made = Agent(paced_model(client), capabilities=[seen.tap.capability()])
                async with made.run_stream('hello') as result:
                    async for _ in result.stream_text(debounce_by=None):
                        await result.cancel()
                        break
                    raise LookupError

        with pytest.raises(LookupError):
            asyncio.run(main())
        assert [response.outcome for response in seen.responses()] == ['cancelled']
