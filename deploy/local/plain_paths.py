"""Which folders the stack can live in: their names go through shells, class paths and files of many formats.

Standard library only, because the bootstrap asks before anything is there.
"""

from __future__ import annotations

import re
from pathlib import Path

NOT_PLAIN = re.compile(r"[^\w/.+@-]")


def complaint(*folders: Path | str) -> str:
    """What is wrong with the first of ``folders`` whose path is not plain, and what to do; empty where all are."""
    for folder in folders:
        if found := NOT_PLAIN.search(str(folder)):
            return (
                f"the path {str(folder)!r} holds {found[0]!r}, which shells and class paths read in ways of their own: "
                "use a folder whose path has letters, digits, and /._+@- alone"
            )
    return ""
