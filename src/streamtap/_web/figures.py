"""The figures and tables of the live view, from the slots and from what is open."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from streamtap._display.hints import Measured, shared_name
from streamtap._display.text import dollars, model_name
from streamtap._web.groups import MAX_GROUPS
from streamtap._web.plain_data import short
from streamtap._web.tally import Tally

SlotFigures = dict[str, 'float | None']

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamtap._display.hints import Hint
    from streamtap._records.live import Live
    from streamtap._records.sketch import Sketch
    from streamtap._web.errors import Occurrences
    from streamtap._web.groups import Key
    from streamtap._web.plain_data import Document, Json
    from streamtap._web.slots import Slot


def now_figures(together: Slot, live: Live) -> Document:
    """What is open now, and the figures of some time.

    Args:
        together: The slots of that time merged.
        live: What is open.
    """
    requests = together.requests
    measured = Measured(
        requests=requests.count,
        streamed=requests.streamed,
        unmeasured=requests.unmeasured,
        interrupted=requests.interrupted,
        unpriced=requests.unpriced,
        has_first_token=requests.first.quantile(0.5) is not None,
        has_speed=requests.speed.quantile(0.5) is not None,
        has_cost=requests.cost_usd is not None,
    )
    return {
        'in_progress': sum(run.parent_run_id is None for run in live.runs),
        'requests': len(live.responses),
        'tools': len(live.tools),
        'stalled': sum(response.stalled is not None for response in live.responses),
        'runs': together.runs.count,
        'failed': together.runs.failed,
        'cancelled': together.runs.cancelled,
        'first_token': _spread(together.requests.first),
        'speed': _spread(together.requests.speed),
        'first_output': _spread(together.runs.first),
        'duration': _spread(together.runs.duration),
        'cost': short(together.requests.cost_usd),
        'cost_of_runs': short(together.runs.total_cost_usd),
        'output': together.requests.output_tokens,
        'unmeasured': requests.unmeasured,
        'health': {
            'objective': short(together.runs.objective_share),
            'counted': together.runs.counted,
            # Of nested runs, too: they are in no other figure.
            'again': sum(tally.repeated for tally in together.agents.values()),
            'context': short(requests.fullest_context),
            'hits': short(requests.cache_hit_share),
        },
        'hints': {
            'first_token': _said(measured.first_token),
            'first_output': _said(measured.first_token),
            'speed': _said(measured.speed),
            'cost': _said(measured.cost),
        },
        'notes': [
            *measured.sentences,
            *measured.lacking,
            *_two_sums(together),
            *(shared_name(tally.unnamed_agents) for tally in together.agents.values() if tally.unnamed_agents > 1),
        ],
    }


def slot_figures(slot: Slot) -> SlotFigures:
    """What the small charts show for one slot.

    Args:
        slot: The slot.
    """
    return {
        'runs': slot.runs.count,
        'failed': slot.runs.failed,
        'first_token': short(slot.requests.first.quantile(0.5)),
        'first_output': short(slot.runs.first.quantile(0.5)),
        'speed': short(slot.requests.speed.quantile(0.5)),
        'cost': short(slot.requests.cost_usd),
    }


def tables(together: Slot, live: Live) -> Document:
    """A row for each agent, model, tool and value of a label.

    Args:
        together: The slots of that time merged.
        live: What is open.
    """
    agents: Counter[Key] = Counter((run.agent,) for run in live.runs)
    models: Counter[Key] = Counter((response.provider, response.model) for response in live.responses)
    tools: Counter[Key] = Counter((call.agent, call.tool, str(call.kind)) for call in live.tools)
    stalled: Counter[Key] = Counter((one.provider, one.model) for one in live.responses if one.stalled)
    return {
        'agents': [
            {'name': key[0], 'now': agents[key], **_row(tally)} for key, tally in _with_open(together.agents, agents)
        ],
        'models': [
            {'name': model_name(key[0], key[1]), 'now': models[key], 'stalled': stalled[key], **_row(tally)}
            for key, tally in _with_open(together.models, models)
        ],
        'tools': [
            {'name': key[1], 'agent': key[0], 'kind': key[2], 'now': tools[key], 'calls': tally.calls, **_row(tally)}
            for key, tally in _with_open(together.tools, tools)
        ],
        'labels': [
            {'label': label, 'rows': [{'name': key[0], **_row(tally)} for key, tally in sorted(values.items())]}
            for label, values in together.labels.items()
        ],
    }


def _with_open(tallies: Mapping[Key, Tally], now: Counter[Key]) -> list[tuple[Key, Tally]]:
    """What was counted, in order, and what is open of which nothing was counted in this time, as far as there is room."""
    new = [key for key in sorted(now) if key not in tallies][: max(0, MAX_GROUPS - len(tallies))]
    return sorted({**tallies, **{key: Tally() for key in new}}.items(), key=lambda each: each[0])


def error_rows(errors: Mapping[Key, Occurrences]) -> list[Json]:
    """A row for each group of errors.

    Args:
        errors: How often each occurred, by agent, error, kind of place, and place.
    """
    return [
        {
            'group': key,
            'count': seen.count,
            'first': seen.first,
            'last': seen.last,
            'steps': None if seen.first_step is None else (seen.first_step, seen.last_step),
        }
        for key, seen in sorted(errors.items())
    ]


def _row(tally: Tally) -> Document:
    return {
        'count': tally.count,
        'nested': tally.nested,
        'failed': tally.failed,
        'cancelled': tally.cancelled,
        'retried': tally.retried,
        'interrupted': tally.interrupted,
        'first': _spread(tally.first),
        'speed': _spread(tally.speed),
        'duration': _spread(tally.duration),
        'input': tally.input_tokens,
        'output': tally.output_tokens,
        'stalls': tally.stalls,
        'stall_seconds': short(tally.stall_seconds),
        'cost': short(tally.cost_usd),
        'total_cost': short(tally.total_cost_usd),
        'objective': short(tally.objective_share),
        'again': tally.repeated,
        'context': short(tally.fullest_context),
        'hits': short(tally.cache_hit_share),
    }


def _two_sums(together: Slot) -> Iterator[str]:
    """What requests and what runs cost, where people would see that these differ."""
    of_requests, of_runs = together.requests.cost_usd, together.runs.total_cost_usd
    if of_requests is not None and of_runs is not None and dollars(of_requests) != dollars(of_runs):
        yield (
            f'Cost and models count the requests that ended in this time: {dollars(of_requests)}; the runs that ended in it, '
            f'which labels count, cost {dollars(of_runs)} with all of their requests'
        )


def _said(hint: Hint | None) -> Json:
    return None if hint is None else hint.short


def _spread(sketch: Sketch) -> list[Json]:
    return [short(sketch.quantile(0.5)), short(sketch.quantile(0.95))]
