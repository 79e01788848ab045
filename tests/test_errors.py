"""A full disk is named with the file; every other word of the kernel passes."""

from __future__ import annotations

import errno

import pytest

from enginedge.errors import Unavailable, full_disks_named


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_the_file_or_else_the_place(number: int) -> None:
    with pytest.raises(Unavailable, match=r"^/somewhere/file: the disk is full.* make room"), full_disks_named():
        raise OSError(number, "No room", "/somewhere/file")
    with pytest.raises(Unavailable, match=r"^the log: the disk is full"), full_disks_named("the log"):
        raise OSError(number, "No room")


def test_another_fault_of_a_file_is_not_a_full_disk() -> None:
    with pytest.raises(PermissionError), full_disks_named():
        raise PermissionError(errno.EACCES, "Permission denied")
