"""A small file system of one's own, that a test can fill."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from penfold.base.limits import RESERVE_BYTES

DISK_BYTES = RESERVE_BYTES + (48 << 20)


@contextmanager
def small_disk(folder):
    """Mount a file system of DISK_BYTES on the folder."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
