"""The switch that turns off every tap of a process."""

from __future__ import annotations

import os

ON = ('1', 'true', 'yes')
"""What says yes in a variable of the environment."""


def is_switched_off() -> bool:
    """Whether the environment has `STREAMTAP_DISABLED=1`."""
    return os.environ.get('STREAMTAP_DISABLED', '') in ON
