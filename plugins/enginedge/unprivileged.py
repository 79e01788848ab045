"""Running a program that refuses root, as root, without making a system user."""

from __future__ import annotations

import os
import pwd

PLAIN_USERS = ("postgres", "nobody")


def unprivileged(on_death: str = "TERM") -> list[str]:
    """What to put before a command that refuses root: to it, root then has the number of a plain user.

    The process stays the same one, and still ends by the signal ``on_death`` when its starter dies. Empty where we are
    not root.
    """
    if os.getuid() != 0:
        return []
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    plain = next(known[name] for name in PLAIN_USERS if name in known)
    return [
        "unshare",
        "--user",
        f"--map-user={plain.pw_uid}",
        f"--map-group={plain.pw_gid}",
        "setpriv",
        f"--pdeathsig={on_death}",
        "--",
    ]
