"""What a prompt has to do with the one before: what grew, and what was bought again."""

from __future__ import annotations

import pytest

from streamtap._runs.prompts import (
    CACHE_GRAIN,
    KEPT_FOR,
    MAX_CONVERSATIONS,
    Compared,
    Conversations,
    Prompt,
    Prompts,
)
from streamtap._upstream.model_responses import AskedModel, Usage
from streamtap._upstream.prompt_prefix import PromptPrefix

UNLISTED = AskedModel('house', 'own', ())
LISTED = AskedModel('openai', 'gpt-4.1-mini', ())
SAME, OTHER = PromptPrefix(1, 1), PromptPrefix(2, 1)


def prompt(
    size: int,
    *,
    read: int = 0,
    written: int = 0,
    output: int = 10,
    reasoning: int = 0,
    model: AskedModel = UNLISTED,
    at: float = 0.0,
    prefix: PromptPrefix | None = SAME,
    rounds: int = 1,
) -> Prompt:
    """A prompt of that size whose request took a second; in several rounds of the model's own, its usage is their sum."""
    usage = Usage(size * rounds, output, read * rounds, written, reasoning)
    return Prompt(model.provider, model.name, size, usage, at, at + 1, prefix)


def prompts(conversations: Conversations | None = None, conversation: int = 7) -> Prompts:
    return Prompts(Conversations() if conversations is None else conversations, conversation)


def after(first: Prompt, second: Prompt) -> Compared:
    """What the second prompt of a run has to do with its first."""
    run = prompts()
    run.remember(first)
    return run.compare(second)


def test_nothing_is_known_of_the_first_prompt_of_a_conversation():
    """Nobody knows what its provider has cached."""
    assert prompts().compare(prompt(5000)) == Compared()


@pytest.mark.parametrize(
    ('before', 'now', 'missed'),
    [
        (prompt(4000, read=3072), prompt(4500, read=3072), 0),
        (prompt(4000, read=1024, written=2048), prompt(4500, read=3072), 0),
        (prompt(4000, read=3072), prompt(4500, read=4096), 0),
        (prompt(4000, read=3072), prompt(4500, read=1024), 2048),
        (prompt(4000, read=1024, written=2048), prompt(4500, read=1024), 2048),
        (prompt(4000, read=3072), prompt(2000, read=1024), 976),
        (prompt(4000), prompt(4500), 0),
        (prompt(4000, read=3072, rounds=3), prompt(9500, read=3968), 0),
        (prompt(4000, read=3072, rounds=3), prompt(9500, read=1024), 2976),
        (prompt(4000, read=3072), prompt(4500, read=3072 - CACHE_GRAIN), CACHE_GRAIN),
        (prompt(4000, read=3072), prompt(4500, read=3072 - CACHE_GRAIN + 1), 0),
    ],
)
def test_what_the_last_request_left_in_the_cache_and_was_not_read_is_missed(before: Prompt, now: Prompt, missed: int):
    """Not what the prompt no longer has, and nothing smaller than what caches count in."""
    assert after(before, now).cache_missed_tokens == missed


@pytest.mark.parametrize(
    ('now', 'reason'),
    [
        (prompt(1000), 'below_minimum'),
        (prompt(1000, prefix=OTHER), 'below_minimum'),
        (prompt(4500, prefix=OTHER, at=KEPT_FOR * 2), 'prefix_changed'),
        (prompt(4500, read=1024, at=KEPT_FOR * 2), 'prefix_changed'),
        (prompt(4500, at=1 + KEPT_FOR), 'expired'),
        (prompt(4500, at=0.9 + KEPT_FOR), 'unknown'),
        (prompt(4500, at=1 + KEPT_FOR, prefix=None), 'expired'),
        (prompt(4500, prefix=None), 'unknown'),
        (prompt(4500, prefix=PromptPrefix(1, None)), 'unknown'),
        (prompt(4500, prefix=PromptPrefix(1, 2)), 'prefix_changed'),
        (prompt(4500, read=3072), None),
    ],
)
def test_a_miss_has_the_reason_that_can_be_told(now: Prompt, reason: str | None):
    """What certainly is another beginning comes before the time that has passed."""
    assert after(prompt(4000, read=3072), now).cache_miss_reason == reason


def test_what_the_cache_saved_and_lost_is_priced():
    """At the list prices of the model: $0.40 a million tokens, and $0.10 from the cache."""
    compared = after(prompt(4000, read=3072, model=LISTED), prompt(4500, read=1024, model=LISTED))
    assert compared == Compared(
        cache_missed_tokens=2048,
        cache_miss_reason='prefix_changed',
        cache_saved_usd=pytest.approx(1024 * 0.3e-6),  # pyright: ignore[reportArgumentType]
        cache_lost_usd=pytest.approx(2048 * 0.3e-6),  # pyright: ignore[reportArgumentType]
    )


def test_a_model_without_a_price_loses_tokens_and_no_dollars():
    """The dollars are absent, never 0."""
    compared = after(prompt(4000, read=3072), prompt(4500, read=1024))
    assert (compared.cache_saved_usd, compared.cache_lost_usd) == (None, None)


def test_each_model_has_a_cache_of_its_own():
    """A fallback that answers has nothing cached, and takes nothing from the cache of the model that is asked next."""
    run = prompts()
    run.remember(prompt(4000, read=3072))
    assert run.compare(prompt(4100, model=LISTED)).cache_missed_tokens is None
    run.remember(prompt(4100, model=LISTED))
    assert run.compare(prompt(4200, read=1024)).cache_missed_tokens == 2048


def test_a_conversation_goes_on_in_the_next_run():
    """What its last request had cached is known, but what grew since then is not a tool's."""
    conversations = Conversations()
    prompts(conversations).remember(prompt(4000, read=3072))
    later = prompts(conversations)
    later.tools.add('search')
    assert later.compare(prompt(9000, read=1024)) == Compared(
        cache_missed_tokens=2048, cache_miss_reason='prefix_changed'
    )
    assert prompts(conversations, 8).compare(prompt(9000)) == Compared()


@pytest.mark.parametrize(
    ('tools', 'size', 'grown', 'by'),
    [
        ({'search'}, 1500, 440, 'search'),
        ({'search', 'fetch'}, 1500, 440, '_several'),
        (set[str](), 1500, None, None),
        ({'search'}, 1060, 0, 'search'),
        ({'search'}, 1059, None, None),
    ],
)
def test_the_results_of_a_round_are_what_grew_besides_the_answer(
    tools: set[str], size: int, grown: int | None, by: str | None
):
    """Without its reasoning, which is not sent back; a history that was cut short says nothing."""
    run = prompts()
    run.remember(prompt(1000, output=100, reasoning=40))
    run.tools |= tools
    compared = run.compare(prompt(size))
    assert (compared.tool_result_tokens, compared.tool_results_of) == (grown, by)


def test_a_usage_that_is_the_sum_of_several_requests_is_no_size():
    """The prompt itself is what grew."""
    run = prompts()
    run.remember(prompt(1000, rounds=3))
    run.tools.add('search')
    assert run.compare(prompt(1500)).tool_result_tokens == 490
    run.remember(prompt(1500, rounds=2))
    assert run.growth == 500.0


def test_another_model_counts_tokens_in_its_own_way():
    """So nobody can say what grew."""
    run = prompts()
    run.remember(prompt(1000))
    run.tools.add('search')
    assert run.compare(prompt(1500, model=LISTED)).tool_result_tokens is None


def test_each_round_counts_its_own_tools():
    """The tools of a round are forgotten when the next request is known, or is over without being known."""
    run = prompts()
    run.remember(prompt(1000))
    run.tools.add('search')
    run.remember(prompt(1500))
    run.tools.add('fetch')
    assert run.compare(prompt(1600)).tool_results_of == 'fetch'
    run.forget_last()
    run.tools.add('fetch')
    assert run.compare(prompt(1700)).tool_result_tokens is None


@pytest.mark.parametrize(
    ('sizes', 'growth'),
    [((), None), ((1000,), None), ((1000, 1500), 500.0), ((1000, 3000, 1400), 200.0), ((1000, 500), 0.0)],
)
def test_growth_is_per_step_from_the_first_prompt_to_the_last(sizes: tuple[int, ...], growth: float | None):
    """Nobody says that a history shrinks."""
    run = prompts()
    for size in sizes:
        run.remember(prompt(size))
    assert run.growth == growth


def test_the_conversation_that_went_on_last_is_forgotten_last():
    """At most 10,000 of them are remembered."""
    conversations = Conversations()
    for conversation in range(MAX_CONVERSATIONS):
        conversations.remember(conversation, prompt(1000))
    conversations.remember(0, prompt(2000))
    conversations.remember(MAX_CONVERSATIONS, prompt(1000))
    kept = [number for number in range(MAX_CONVERSATIONS + 1) if conversations.last(number) is not None]
    assert kept == [0, *range(2, MAX_CONVERSATIONS + 1)]
