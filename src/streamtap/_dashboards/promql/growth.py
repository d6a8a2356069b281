"""By how much counters and histograms grew within a window, the first sample of a new series included.

`increase()` needs two samples, so what a new series begins with is lost: with ten pods and a deploy every two hours, 42 % of
the cost and 80 % of the errors.
"""

from __future__ import annotations

from dataclasses import dataclass

BEFORE = '1h'
"""How long before a window a series must have been missing to be new: longer than scrapes usually fail."""


@dataclass(frozen=True)
class Window:
    """A window that ended some time ago.

    Args:
        length: How long it is.
        ended: How long ago it ended.
        began: How long ago it began: PromQL cannot add the two.
    """

    length: str
    ended: str
    began: str


def grown(series: str, window: str | Window) -> str:
    """By how much each counter grew; a series that was not there before the window began at 0.

    Args:
        series: The selector.
        window: The window.
    """
    seen = _seen(series, window)
    young = f'last_over_time({seen}) and resets({seen}) == 0 or increase({seen}) + min_over_time({seen})'
    return _old_or_young(series, window, young)


def grown_histogram(series: str, window: str | Window) -> str:
    """The same of native histograms, of which there is no smallest.

    Args:
        series: The selector.
        window: The window.
    """
    seen = _seen(series, window)
    return _old_or_young(series, window, f'last_over_time({seen}) and resets({seen}) == 0 or increase({seen})')


def recorded_growth(record: str, window: str | Window) -> str:
    """The same from records of growth, to within one of them at each end of the window.

    Args:
        record: The selector of the records.
        window: The window.
    """
    return f'sum_over_time({_seen(record, window)})'


def _seen(series: str, window: str | Window) -> str:
    return f'{series}[{window}]' if isinstance(window, str) else f'{series}[{window.length}] offset {window.ended}'


def _old_or_young(series: str, window: str | Window, young: str) -> str:
    began = window if isinstance(window, str) else window.began
    there_before = f'present_over_time({series}[{BEFORE}] offset {began})'
    return f'increase({_seen(series, window)}) and {there_before} or ({young}) unless {there_before}'
