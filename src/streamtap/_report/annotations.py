"""The gate's verdicts as annotations of a workflow on GitHub, below the report as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.exits import in_job_log, in_workflow_command
from streamtap._report.gate import OPEN
from streamtap._report.words import unread_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from streamtap._report.document import Document
    from streamtap._report.gate import Finding

MOST = 8
"""How many verdicts of a kind are annotations: with those that count the others, GitHub shows ten of a step."""


def annotated(document: Document) -> str:
    """The report, an error for each failure, a warning for what was never measured, and the verdict last."""
    if document.gate is None:
        return f'{document}\n'
    failing = document.gate.failing
    unjudged = [each for each in document.gate.findings if each.verdict == OPEN[-1] and each not in failing]
    lines = [document.body(), '']
    if document.unread:
        lines.append(_annotation('warning', unread_told(document.unread)))
    lines += [*_annotations('error', failing), *_annotations('warning', unjudged)]
    if document.gate.passed:
        lines.append(_annotation('notice', document.gate.counts))
    return '\n'.join([*lines, in_job_log(document.gate.verdict), ''])


def _annotations(level: Literal['error', 'warning'], findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:MOST]:
        yield _annotation(level, str(finding))
    if len(findings) > MOST:
        yield _annotation(level, f'and {len(findings) - MOST:,} more')


def _annotation(level: Literal['error', 'warning', 'notice'], message: str) -> str:
    return f'::{level} title=streamtap::{in_workflow_command(in_job_log(message))}'
