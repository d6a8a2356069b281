"""The sinks, given hostile records: none raises, and what they export can be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from hostile import records
from hostile.exports import Exports
from streamtap import RunStart, Tap

if TYPE_CHECKING:
    from streamtap import BaseSink, RunRecord, ToolRecord

Moment = tuple[str, Any]

MOMENTS: st.SearchStrategy[Moment] = st.one_of(
    st.tuples(st.just('started'), records.STARTS),
    st.tuples(st.just('run_ended'), records.RUNS),
    st.tuples(st.just('response_ended'), records.RESPONSES),
    st.tuples(st.just('tool_ended'), records.TOOLS),
    st.tuples(st.just('faulted'), records.FAULTS),
)


def tell(sink: BaseSink, moment: Moment) -> None:
    """Tell a sink of a moment."""
    name, fact = moment
    if name == 'started':
        name = {'RunStart': 'run_started', 'ResponseStart': 'response_started'}.get(type(fact).__name__, 'tool_started')
    getattr(sink, name)(fact)


@given(moments=st.lists(MOMENTS, max_size=12))
def test_sinks_take_any_records_in_any_order(moments: list[Moment]):
    """Records of runs that never began, ended twice, or share an id, with names of every kind."""
    exports = Exports()
    tap = Tap(exports.sinks, labels=('tenant', 'tier'), max_label_values=5)
    for moment in moments:
        for sink in exports.sinks:
            tell(sink, moment)
    exports.check()
    tap.close()


@given(
    start=st.builds(
        RunStart,
        run_id=records.FIT,
        conversation_id=records.FIT,
        parent_run_id=st.none(),
        agent=records.FIT,
        root_agent=records.FIT,
        door=st.just('handler'),
        labels=records.LABELS,
        started_ns=records.STAMPS,
    ),
    responses=st.lists(records.RESPONSES, max_size=3),
    tools=st.lists(records.TOOLS, max_size=3),
    end=records.RUNS,
)
def test_spans_of_any_records_can_be_exported(
    start: RunStart, responses: list[Any], tools: list[ToolRecord], end: RunRecord
):
    """Every span ends, and OTLP can encode it."""
    exports = Exports()
    trace = exports.spans.open(start, instrumented=False, parent=None)
    for response in responses:
        trace.responded(response)
    for tool in tools:
        trace.tool_ended(tool, trace.tool(tool.tool, tool.tool_call_id, tool.started_ns), None)
    trace.ended(end, end.started_ns)
    exports.check()
    assert len(exports.finished()) >= 1 + len(responses) + len(tools)
