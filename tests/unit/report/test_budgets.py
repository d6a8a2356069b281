"""What a budget can say, and what is said where it says nothing."""

from __future__ import annotations

import re

import pytest

from streamtap._report.budgets import parse_budget
from streamtap._report.quantities import BUDGETED


@pytest.mark.parametrize(
    ('text', 'name', 'q', 'comparison', 'limit'),
    [
        ('blank_screen.p95 <= 3s', 'blank_screen', 0.95, '<=', 3.0),
        ('blank_screen.p95<=300ms', 'blank_screen', 0.95, '<=', 0.3),
        ('run_duration.p50 <= 0.5 s', 'run_duration', 0.5, '<=', 0.5),
        ('cost_per_run.p95 <= $0.05', 'cost_per_run', 0.95, '<=', 0.05),
        ('cost_per_run.p99 <= $ .05', 'cost_per_run', 0.99, '<=', 0.05),
        ('tokens_per_run.p90 <= 20000 tokens', 'tokens_per_run', 0.9, '<=', 20_000.0),
        ('requests_per_run.p95 <= 4', 'requests_per_run', 0.95, '<=', 4.0),
        ('tool_calls_per_run.p95 <= 0', 'tool_calls_per_run', 0.95, '<=', 0.0),
        ('first_token.p5 <= 1s', 'first_token', 0.05, '<=', 1.0),
        ('tokens_per_second.p5 >= 30 tokens/s', 'tokens_per_second', 0.05, '>=', 30.0),
        ('tool_duration.p50 <= 2s', 'tool_duration', 0.5, '<=', 2.0),
        ('failed <= 1%', 'failed', None, '<=', 0.01),
        ('  failed_requests <= 0.5 %  ', 'failed_requests', None, '<=', 0.005),
        ('failed_tools <= 100%', 'failed_tools', None, '<=', 1.0),
    ],
)
def test_a_budget_is_a_quantity_a_percentile_a_comparison_and_a_value(
    text: str, name: str, q: float | None, comparison: str, limit: float
):
    """With the unit of the quantity; blanks between them make no difference."""
    budget = parse_budget(text)
    assert (budget.quantity.name, budget.q, budget.comparison) == (name, q, comparison)
    assert budget.limit == pytest.approx(limit)


def test_a_budget_is_shown_as_it_was_written():
    """But for the blanks."""
    assert parse_budget(' blank_screen.p95<=300ms ').text == 'blank_screen.p95 <= 300ms'


KNOWN = ', '.join(quantity.name for quantity in BUDGETED)


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', "is no budget: write one like 'blank_screen.p95 <= 3s' or 'failed <= 1%'"),
        ('blank_screen.p95 3s', "is no budget: write one like 'blank_screen.p95 <= 3s' or 'failed <= 1%'"),
        ('blank screen.p95 <= 3s', "is no budget: write one like 'blank_screen.p95 <= 3s' or 'failed <= 1%'"),
        ('blank_screen.p95 <=', "is no budget: write one like 'blank_screen.p95 <= 3s' or 'failed <= 1%'"),
        ('blank_scren.p95 <= 3s', f'there is no quantity blank_scren. Did you mean blank_screen? There are {KNOWN}'),
        (
            'failed_tool <= 1%',
            f'there is no quantity failed_tool. Did you mean failed_tools or failed? There are {KNOWN}',
        ),
        ('ttft.p95 <= 3s', f'there is no quantity ttft. There are {KNOWN}'),
        ('blank_screen <= 3s', 'blank_screen has many values: write which percentile, such as blank_screen.p95'),
        ('blank_screen.max <= 3s', 'has no max: write a percentile from p1 to p99, such as blank_screen.p95'),
        ('blank_screen.p100 <= 3s', 'has no p100: write a percentile from p1 to p99, such as blank_screen.p95'),
        ('blank_screen.p0 <= 3s', 'has no p0: write a percentile from p1 to p99, such as blank_screen.p95'),
        ('failed.p95 <= 1%', 'failed is a share, and has no p95: write failed alone'),
        ('blank_screen.p95 >= 3s', 'blank_screen is the better the lower: write <=, not >='),
        ('blank_screen.p95 < 3s', 'blank_screen is the better the lower: write <=, not <'),
        ('tokens_per_second.p5 <= 9 tokens/s', 'tokens_per_second is the better the higher: write >=, not <='),
        ('blank_screen.p95 <= 3', 'blank_screen is a time: write it like 3s or 300ms, not 3'),
        ('blank_screen.p95 <= $3', 'blank_screen is a time: write it like 3s or 300ms, not $3'),
        ('blank_screen.p95 <= -3s', 'blank_screen is a time: write it like 3s or 300ms, not -3s'),
        ('blank_screen.p95 <= 1e3s', 'blank_screen is a time: write it like 3s or 300ms, not 1e3s'),
        (f'blank_screen.p95 <= 1{"0" * 400}s', f'write it like 3s or 300ms, not 1{"0" * 400}s'),
        ('cost_per_run.p95 <= 0.05', 'cost_per_run is a cost: write it like $0.05, not 0.05'),
        ('failed <= 0.01', 'failed is a share: write it like 1%, not 0.01'),
        ('failed <= 101%', 'failed is a share: write it like 1%, not 101%'),
        ('tokens_per_run.p95 <= 20,000 tokens', 'a number of tokens: write it like 20000 tokens, not 20,000 tokens'),
        ('tokens_per_second.p5 >= 30', 'tokens_per_second is a speed: write it like 30 tokens/s, not 30'),
        ('requests_per_run.p95 <= 4s', 'requests_per_run is a count: write it like 5, not 4s'),
        ('requests_per_run.p95 <= nan', 'requests_per_run is a count: write it like 5, not nan'),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str, why: str):
    """It names the budget, the part that is wrong, and what there is."""
    with pytest.raises(ValueError, match=f'^{re.escape(repr(text))}.*{re.escape(why)}$'):
        parse_budget(text)
