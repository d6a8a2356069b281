"""One structured log line per run and per tool call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from streamtap._delivery.sink import BaseSink
from streamtap._display.exits import in_log
from streamtap._display.text import dollars, plural, seconds
from streamtap._records.as_json import record_fields
from streamtap._records.failed import has_failed

if TYPE_CHECKING:
    from streamtap._records.records import RunRecord, ToolRecord


class LogSink(BaseSink):
    """Logs one line per run and per tool call, with the fields of its record as `extra`: names and numbers, no content.

    The conversation's id is left out, as it may be one that your users know: the run's id leads to the record that has it.
    A name that is not a single word is quoted, and no name can end a line. What failed is logged at level WARNING, the rest at INFO. A handler may block: it runs on the tap's worker thread.

    Args:
        logger: The name of the logger. Default `streamtap.records`.
    """

    def __init__(self, logger: str = 'streamtap.records') -> None:
        self._logger = logging.getLogger(logger)

    def run_ended(self, record: RunRecord) -> None:
        """Log a run."""
        first = (
            ''
            if record.time_to_first_output is None
            else f', first output after {seconds(record.time_to_first_output)}'
        )
        cost = '' if record.cost_usd is None else f', {dollars(record.cost_usd)}'
        self._log(
            'run',
            record,
            f'run of {in_log(record.agent)}: {_ending(record)}{_lasted(record)}{first}, '
            f'{plural(record.requests, "request")}, {plural(record.tool_calls, "tool call")}, '
            f'{record.input_tokens} tokens in, {record.output_tokens} out{cost}',
        )

    def tool_ended(self, record: ToolRecord) -> None:
        """Log a tool call."""
        name = f'{in_log(record.agent)}/{in_log(record.tool)}'
        self._log('tool', record, f'tool {name}: {_ending(record)}{_lasted(record)}')

    def _log(self, event: str, record: RunRecord | ToolRecord, message: str) -> None:
        level = logging.WARNING if has_failed(record) else logging.INFO
        if self._logger.isEnabledFor(level):
            self._logger.log(level, '%s', message, extra={'event': event, **_fields(record)})


def _fields(record: RunRecord | ToolRecord) -> dict[str, object]:
    fields = record_fields(record)
    del fields['conversation_id']
    return fields


def _lasted(record: RunRecord | ToolRecord) -> str:
    return '' if record.duration is None else f' in {seconds(record.duration)}'


def _ending(record: RunRecord | ToolRecord) -> str:
    return record.outcome if record.error_type is None else f'{record.outcome} ({in_log(record.error_type)})'
