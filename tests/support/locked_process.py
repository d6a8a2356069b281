"""Programs with the rights that a locked-down container has: none, on a file system that can only be read."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from support.required import missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# In a mount namespace of its own, which goes when the program does: what is mounted here is not seen outside.
LOCK = """
while read -r _ place _; do
  case $place in /proc | /proc/* | /sys | /sys/* | /dev | /dev/*) ;; *) mount -o remount,bind,ro "$place" ;; esac
done </proc/self/mounts
while [ "$1" != -- ]; do mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$1"; shift; done
shift
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
"""


def locked(command: Sequence[str], writable: Sequence[Path] = ()) -> list[str]:
    """The command that runs another one read-only, without capabilities and without a way to get some.

    The user stays root, who without capabilities may do no more than another user to whom the files belong.

    Args:
        command: The program and its arguments.
        writable: Folders that are there, in place of which it has an empty one to write in.
    """
    if sys.platform != 'linux' or os.geteuid() != 0 or None in map(shutil.which, ('unshare', 'setpriv', 'mount')):
        missing('a way to lock a process', 'it takes root on Linux, and util-linux')
    return ['unshare', '--mount', 'sh', '-euc', LOCK, 'sh', *map(str, writable), '--', *command]
