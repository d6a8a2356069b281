"""What a tool's result means: tools that fail politely return an error instead of raising one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from streamtap._base.names import clean
from streamtap._delivery.guard import guarded
from streamtap._upstream.tool_results import returned

if TYPE_CHECKING:
    from streamtap._delivery.guard import Failures

ToolError: TypeAlias = Callable[[str, object], str | None]
"""A user's own reading of a tool's result: the type of error that it tells of, or `None` if the tool succeeded."""

WHERE = 'tool_error'


class ToolErrors:
    """Asks the user whether a tool that returned has failed. The result is not kept.

    Args:
        tool_error: The user's function.
        out: Counts its failures.
    """

    def __init__(self, tool_error: ToolError | None, out: Failures) -> None:
        self._tool_error = tool_error
        self._out = out

    def __call__(self, tool: str, result: object) -> str | None:
        """The type of error of a call that returned; `None` if it succeeded.

        Args:
            tool: The tool's name.
            result: What it returned.
        """
        if self._tool_error is None:
            return None
        with guarded(self._out, WHERE):
            said = cast('object', self._tool_error(tool, returned(result)))
            if said is None:
                return None
            if not isinstance(said, str) or not said:
                raise TypeError(
                    f'tool_error() must return the type of an error, or None, not this {type(said).__name__}'
                )
            return clean(said)
        return None
