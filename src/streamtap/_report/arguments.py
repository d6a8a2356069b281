"""What the options of `streamtap report` ask for, and which of them go together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.trace_urls import check_trace_url
from streamtap._report.budgets import parse_budget
from streamtap._report.choice import EVERYTHING, Choice, parse_labels, parse_when
from streamtap._report.compare import LEAST, Least
from streamtap._report.options import ENDINGS
from streamtap._report.owners import is_told_by

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from streamtap._report.budgets import Budget
    from streamtap._report.options import Engine, Format
    from streamtap._report.owners import Scope

_LEAST = re.compile(r'([0-9]+(?:\.[0-9]+)?) *(%|points?)', re.ASCII)

_MOST_PERCENT = 1000.0

_LABEL = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*', re.ASCII)


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be reported, and how.

    Args:
        files: The journals, each with its rotated files; patterns; `-` for stdin. Empty for a comparison.
        compare: The journals before and after a change, for a comparison.
        budgets: What is to be kept.
        by: The scopes that are looked at; `None` for those that a report has anyway.
        choice: Which runs are looked at.
        least: The smallest changes that are called one.
        is_gate: Whether what is worse, or a budget that is missed, is a failure.
        strict: Whether what cannot be told is one, too.
        form: The format of the report.
        output: The file to write it to; stdout if `None`.
        engine: What gathers the figures; by how much there is to read if `None`.
        trace_url: The address of a trace, with `{trace_id}` in it, for a page's links; none if `None`.
    """

    files: Sequence[str] = ()
    compare: tuple[str, str] | None = None
    budgets: Sequence[Budget] = ()
    by: Sequence[Scope] | None = None
    choice: Choice = EVERYTHING
    least: Least = LEAST
    is_gate: bool = False
    strict: bool = False
    form: Format = 'table'
    output: Path | None = None
    engine: Engine | None = None
    trace_url: str | None = None

    @property
    def is_of_verdicts(self) -> bool:
        """Whether something is compared or judged, and not only shown."""
        return self.compare is not None or bool(self.budgets)


def report_of(arguments: argparse.Namespace, now_ns: int) -> Report:
    """What the arguments ask for.

    Args:
        arguments: Them.
        now_ns: The time, in nanoseconds since the Unix epoch.

    Raises:
        ValueError: If they contradict each other, or one cannot be read. The message says what to do.
    """
    budgets = tuple(dict.fromkeys(map(parse_budget, arguments.budget)))
    by = tuple(dict.fromkeys(arguments.by))
    least = _least(arguments.min_change)
    form = _form(arguments)
    _check_together(arguments, budgets, by, form)
    return Report(
        files=tuple(arguments.files),
        compare=None if arguments.compare is None else (arguments.compare[0], arguments.compare[1]),
        budgets=budgets,
        by=by or None,
        choice=_choice(arguments, now_ns),
        least=least,
        is_gate=bool(budgets) or arguments.fail_on is not None,
        strict=arguments.strict,
        form=form,
        output=arguments.output,
        engine=arguments.engine,
        trace_url=arguments.trace_url,
    )


def _form(arguments: argparse.Namespace) -> Format:
    output: Path | None = arguments.output
    return arguments.format or ENDINGS.get('' if output is None else output.suffix.lower(), 'table')


def _choice(arguments: argparse.Namespace, now_ns: int) -> Choice:
    since = None if arguments.since is None else parse_when('--since', arguments.since, now_ns)
    until = None if arguments.until is None else parse_when('--until', arguments.until, now_ns)
    if since is not None and until is not None and since >= until:
        raise ValueError(f'--until {arguments.until} is not after --since {arguments.since}: no run began in between')
    return Choice(
        agents=tuple(dict.fromkeys(arguments.agent)),
        labels=parse_labels(arguments.label),
        since_ns=since,
        until_ns=until,
        outcomes=tuple(dict.fromkeys(arguments.outcome)),
        run=arguments.run_id,
    )


def _check_together(
    arguments: argparse.Namespace, budgets: Sequence[Budget], by: Sequence[Scope], form: Format
) -> None:
    compared, is_gate = arguments.compare is not None, bool(budgets) or arguments.fail_on is not None
    for is_wrong, what_to_do in (
        (not arguments.files and not compared, 'name the journals to report, or two to --compare'),
        (arguments.files and compared, 'give either FILEs or --compare, not both'),
        (
            compared and budgets,
            'a --budget judges one side: report AFTER with it in a command of its own, without --compare',
        ),
        (arguments.fail_on and not compared, '--fail-on worse needs a before and an after: --compare BEFORE AFTER'),
        (arguments.min_change and not compared, '--min-change needs a before and an after: --compare BEFORE AFTER'),
        (by and arguments.run_id is not None and not budgets, '--by compares many runs: report them without --run'),
        (
            arguments.strict and not is_gate,
            '--strict only works with a gate: give a --budget, or --fail-on worse with --compare',
        ),
        (
            form == 'github' and not is_gate,
            '--format github tells verdicts: give a --budget, or --fail-on worse with --compare',
        ),
        (
            arguments.trace_url is not None and form != 'html',
            '--trace-url only works with a page: give --format html, or a file that ends in .html',
        ),
        (
            arguments.engine == 'duckdb' and (compared or budgets or by),
            '--engine duckdb compares nothing and tells no verdicts: leave it out with --compare, --budget and --by',
        ),
        (arguments.run_id is not None and compared, '--run reports one run: name its journal, without --compare'),
    ):
        if is_wrong:
            raise ValueError(what_to_do)
    if arguments.trace_url is not None:
        check_trace_url('--trace-url', arguments.trace_url)
    for scope in by:
        if not _LABEL.fullmatch(scope):
            raise ValueError(f'--by {scope}: write agent, model, tool, service_version, all, or the name of a label')
    for budget in budgets:
        if by and not any(is_told_by(budget.quantity, scope) for scope in by):
            raise ValueError(
                f'{budget.text!r} cannot be told by {" or ".join(by)}: it is of each {budget.quantity.kind}; '
                'leave out --by, or give this budget in a command of its own'
            )


def _least(texts: Sequence[str]) -> Least:
    found: dict[str, float] = {}
    for text in texts:
        if (written := _LEAST.fullmatch(text)) is None or (number := float(written[1])) > _MOST_PERCENT:
            raise ValueError(f"--min-change {text}: write 10% of times, costs and speeds, or '2 points' of shares")
        kind = 'relative' if written[2] == '%' else 'points'
        if kind in found:
            raise ValueError(f'--min-change {text}: there is one already; give one in % and one in points')
        found[kind] = number / 100
    return Least(**found)
