"""What a response used and cost, on a real HTTP stream: as far as its provider said, and never more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from pydantic_ai import Agent, ModelResponse
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.openrouter import OpenRouterProvider

from streamtap import PrometheusSink
from streamtap.testing import Call, Drop, Fail, Hang, PacedProvider, Reply, Say, TokenUsage, capture, words
from support.event_readers import read
from support.paced_models import paced_client, paced_model
from support.pydantic_ai_features import needs
from support.real_time import REAL_TIME

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai import AsyncOpenAI
    from pydantic_ai.models import Model

    from streamtap import ResponseRecord
    from streamtap.testing import Capture

pytestmark = [REAL_TIME]

TEXT = words('one two three four five six seven eight')
SO_FAR: dict[str, Any] = {'openai_continuous_usage_stats': True}
"""The setting with which each chunk says the usage so far, and replaces what the one before said."""

STREAMED = ('handler', 'capability', 'nodes', 'events')
WAYS = ('unstreamed', *STREAMED)


def openrouter(client: AsyncOpenAI) -> Model:
    return OpenRouterModel('anthropic/claude-sonnet-4.5', provider=OpenRouterProvider(openai_client=client))


async def drive(way: str, seen: Capture, model: Model, settings: Any = None) -> None:
    """One run of an agent, measured in one of the ways there are."""
    tap = seen.tap
    is_capability = way in ('unstreamed', 'capability')
    capabilities = [tap.capability(stream=way == 'capability')] if is_capability else []
    made = Agent(model, name='a', capabilities=capabilities, model_settings=settings)
    if way in ('nodes', 'events'):
        await read(made, way, tap.watch)
    else:
        await made.run('hello', event_stream_handler=tap if way == 'handler' else None)


def responses(
    way: str,
    reply: Reply,
    seen: Capture,
    *,
    model: Callable[[AsyncOpenAI], Model] = paced_model,
    settings: Any = None,
    stop_after: float | None = None,
) -> list[ResponseRecord]:
    """What the tap says of the responses of a run, however it ends.

    Args:
        way: How it is measured.
        reply: What the server replies.
        seen: The tap.
        model: Makes the model.
        settings: Its settings.
        stop_after: Seconds after which the run is cancelled.
    """

    async def main() -> None:
        async with paced_client(provider) as client:
            task = asyncio.create_task(drive(way, seen, model(client), settings))
            if stop_after is not None:
                await asyncio.sleep(stop_after)
                task.cancel()
            # Which exception a stream's error is depends on the release.
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await task

    with PacedProvider(lambda request: reply) as provider:
        asyncio.run(main())
    seen.tap.flush()
    return seen.responses()


class Said(NamedTuple):
    """What a record says of its usage."""

    outcome: str
    tokens: tuple[int | None, int | None]
    usage_reported: bool
    usage_complete: bool
    unmeasured: str | None


def said(record: ResponseRecord) -> Said:
    tokens = record.input_tokens, record.output_tokens
    return Said(record.outcome, tokens, record.usage_reported, record.usage_complete, record.unmeasured)


# Interrupted


@pytest.mark.parametrize('way', STREAMED)
@pytest.mark.parametrize(
    ('ending', 'outcome'), [(Hang(), 'cancelled'), (Fail('no', 500), 'error'), (Drop(), 'error')], ids=['stop', 'error', 'drop']
)  # fmt: skip
@pytest.mark.parametrize('says_so_far', [False, True])
def test_a_response_that_did_not_end_counts_as_far_as_its_provider_had_said(
    way: str,
    ending: Any,
    outcome: str,
    says_so_far: bool,  # noqa: FBT001
):
    """Its usage is not complete, and everything that sums it up says so."""
    reply = Reply((*TEXT, ending), every=0.002, usage=TokenUsage(100, repeated=says_so_far))
    settings = SO_FAR if says_so_far else None
    registry = CollectorRegistry()
    with capture() as seen:
        seen.tap.add_sink(PrometheusSink(registry))
        stop_after = 0.5 if outcome == 'cancelled' else None
        (record,) = responses(way, reply, seen, settings=settings, stop_after=stop_after)
        total = seen.tap.usage.summary().total
        (run,) = seen.runs()
    tokens = (100, len(TEXT)) if says_so_far else (None, None)
    assert said(record) == Said(outcome, tokens, says_so_far, usage_complete=False, unmeasured='interrupted')
    assert (run.input_tokens, run.unmeasured_responses) == (tokens[0] or 0, 1)
    assert (total.input_tokens, total.unmeasured_responses, total.interrupted_responses) == (tokens[0], 1, 1)
    labels = {'agent': 'a', 'provider': 'openai', 'model': 'gpt-4.1-mini'}
    name = 'pydantic_ai_unmeasured_responses_total'
    assert registry.get_sample_value(name, {**labels, 'reason': 'interrupted'}) == 1
    assert registry.get_sample_value('pydantic_ai_input_tokens_total', labels) == (tokens[0] or 0)


@pytest.mark.parametrize('way', WAYS)
def test_a_request_that_failed_before_anything_came_lacks_nothing(way: str):
    """There was no response that could have said what it used."""
    with capture() as seen:
        (record,) = responses(way, Reply((Fail('no', 500),), status=500), seen)
        assert [run.unmeasured_responses for run in seen.runs()] == [0]
    assert said(record) == Said('error', (None, None), usage_reported=False, usage_complete=False, unmeasured=None)


@pytest.mark.parametrize('way', WAYS)
def test_a_response_that_ended_says_all(way: str):
    """Or its provider reports no usage."""
    for usage, expected in (
        (TokenUsage(100), Said('success', (100, len(TEXT)), usage_reported=True, usage_complete=True, unmeasured=None)),
        (None, Said('success', (None, None), usage_reported=False, usage_complete=False, unmeasured='not_reported')),
    ):
        with capture() as seen:
            assert [said(record) for record in responses(way, Reply(TEXT, usage=usage), seen)] == [expected]


def test_a_handler_of_run_stream_has_the_usage_of_what_it_is_not_shown():
    """It sees nothing after the final result, but the messages say that the response ended."""

    async def main() -> None:
        async with (
            paced_client(provider) as client,
            Agent(paced_model(client)).run_stream('hello', event_stream_handler=seen.tap) as result,
        ):
            await result.get_output()

    for usage, unmeasured in ((TokenUsage(100), None), (None, 'not_reported')):
        with PacedProvider([Reply(TEXT, usage=usage)]) as provider, capture() as seen:
            asyncio.run(main())
            seen.tap.flush()
            assert [(record.outcome, record.unmeasured) for record in seen.responses()] == [('incomplete', unmeasured)]


# Repeated


@pytest.mark.parametrize('way', ['handler', 'capability', 'nodes'])
def test_usage_that_is_repeated_in_each_chunk_is_left_out_and_its_cure_is_logged(
    way: str, caplog: pytest.LogCaptureFixture
):
    """What pydantic-ai adds up is ten times too much: no tokens, no cost and no speed are better than that."""
    reply = Reply(TEXT, every=0.02, usage=TokenUsage(100, repeated=True))
    with capture() as seen, caplog.at_level(logging.WARNING, 'streamtap'):
        for _ in range(2):
            responses(way, reply, seen)
    repeated = Said('success', (None, None), usage_reported=False, usage_complete=False, unmeasured='repeated')
    assert [said(record) for record in seen.responses()] == [repeated] * 2
    assert {(record.cost_usd, record.output_tokens_per_second) for record in seen.responses()} == {(None, None)}
    assert [run.unmeasured_responses for run in seen.runs()] == [1, 1]
    (message,) = caplog.messages
    assert message.endswith('set openai_continuous_usage_stats=True in the model settings')


@pytest.mark.parametrize('way', WAYS)
def test_the_setting_cures_it(way: str, caplog: pytest.LogCaptureFixture):
    """The tokens are those that the server counted."""
    reply = Reply(TEXT, every=0.02, usage=TokenUsage(100, repeated=True))
    with capture() as seen:
        (record,) = responses(way, reply, seen, settings=SO_FAR)
    assert said(record) == Said('success', (100, 8), usage_reported=True, usage_complete=True, unmeasured=None)
    assert caplog.messages == []


# Cost


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('charged', [0.0123, 0.0])
def test_what_the_provider_charged_comes_before_the_list_price(way: str, charged: float):
    """Streamed or not, at every door; a free answer costs nothing."""
    with capture() as seen:
        (record,) = responses(way, Reply(TEXT, usage=TokenUsage(100, cost=charged)), seen, model=openrouter)
        assert [run.cost_usd for run in seen.runs()] == [charged]
    assert (record.cost_usd, record.cost_source, record.usage_complete) == (charged, 'provider', True)


@pytest.mark.parametrize('way', WAYS)
def test_the_list_price_is_said_to_be_one(way: str):
    """Where nobody else says what the response cost."""
    with capture() as seen:
        (record,) = responses(way, Reply(TEXT, usage=TokenUsage(1000, 100)), seen)
    assert (record.cost_usd, record.cost_source) == (pytest.approx(0.00056), 'list')


@pytest.mark.parametrize('way', WAYS)
def test_a_price_list_that_fails_leaves_the_tokens(way: str, monkeypatch: pytest.MonkeyPatch):
    """The cost is unknown then, and nothing else."""

    def fail(_: ModelResponse) -> None:
        raise RuntimeError('the list is broken')

    monkeypatch.setattr(ModelResponse, 'cost', fail)
    with capture() as seen:
        (record,) = responses(way, Reply(TEXT, usage=TokenUsage(1000, 100)), seen)
    assert (record.input_tokens, record.output_tokens, record.outcome) == (1000, 100, 'success')
    assert (seen.run().input_tokens, seen.run().requests, seen.faults()) == (1000, 1, [])


@pytest.mark.parametrize('way', WAYS)
def test_ones_own_price_is_told_what_it_takes_to_decide(way: str):
    """The cost without it and who says so, and what the provider said beside its tokens."""
    asked: list[tuple[Any, ...]] = []

    def price(record: ResponseRecord, response: ModelResponse) -> float:
        details = response.provider_details or {}
        asked.append((record.cost_usd, record.cost_source, details.get('downstream_provider'), details.get('cost')))
        return details['cost'] * 2

    with capture(price=price) as seen:
        (record,) = responses(way, Reply(TEXT, usage=TokenUsage(100, cost=0.25)), seen, model=openrouter)
    assert asked == [(0.25, 'provider', 'paced', 0.25)]
    assert (record.cost_usd, record.cost_source) == (0.5, 'price')


@needs('usage_costs')
def test_a_rejected_candidate_has_a_price_too():
    """Of it pydantic-ai keeps its usage and the names; who says its cost is not among them."""
    asked: list[tuple[str | None, str | None, int]] = []

    def price(record: ResponseRecord, response: ModelResponse) -> float | None:
        asked.append((response.provider_name, response.model_name, response.usage.input_tokens))
        return None

    def rejects(response: ModelResponse) -> bool:
        return response.text == 'bad'

    async def main() -> None:
        async with paced_client(provider) as client:
            models = paced_model(client, 'gpt-4.1-mini'), paced_model(client, 'gpt-4.1')
            model = FallbackModel(*models, fallback_on=[rejects])
            await Agent(model, capabilities=[seen.tap.capability()]).run('hello')

    with PacedProvider([Reply((Say(text),)) for text in ('bad', 'good')]) as provider, capture(price=price) as seen:
        asyncio.run(main())
    assert asked == [('openai', 'gpt-4.1-mini', 10), ('openai', 'gpt-4.1', 10)]
    assert [(r.error_type, r.usage_complete, r.unmeasured, r.cost_source) for r in seen.responses()] == [
        ('ResponseRejected', True, None, None),
        (None, True, None, 'list'),
    ]


def test_the_cost_of_a_nested_run_says_who_charged_it():
    """Each run's own responses, and each run's own sum."""

    async def main() -> None:
        async with paced_client(provider) as client:
            capabilities = [seen.tap.capability()]
            inner = Agent(openrouter(client), name='inner', capabilities=capabilities)
            outer = Agent(paced_model(client), name='outer', capabilities=capabilities)

            @outer.tool_plain
            async def ask() -> str:
                return (await inner.run('hello')).output

            await outer.run('hello')

    replies = [
        Reply((Call('ask', {}),), usage=TokenUsage(1000, 100)),
        Reply(TEXT, usage=TokenUsage(100, cost=0.25)),
        Reply(TEXT, usage=TokenUsage(1000, 100)),
    ]
    with PacedProvider(replies) as provider, capture() as seen:
        asyncio.run(main())
    assert {(r.agent, r.cost_source) for r in seen.responses()} == {('outer', 'list'), ('inner', 'provider')}
    assert {run.agent: run.cost_usd for run in seen.runs()} == {'inner': 0.25, 'outer': pytest.approx(0.00112)}
