"""What the bootstrap says while it works, and what it counts as failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from deploy.local.toolchain.commands import Failed

Step = tuple[str, Callable[[], bool], Callable[[Callable[[str], None]], None]]  # name, is it there?, make it


class Progress:
    """One line for each change of state, readable in a log: seconds since the start, the item, its state."""

    def __init__(self) -> None:
        self.started = self.told = time.monotonic()
        self.printing = threading.Lock()
        self.under_way: dict[str, float] = {}
        self.failures: list[str] = []

    def say(self, name: str, state: str) -> None:
        """Print one line."""
        with self.printing:
            self.told = time.monotonic()
            print(f"{self.told - self.started:7.1f} s  {name:<16} {state}", flush=True)

    def reassure(self, ended: threading.Event, quiet_s: float = 30) -> None:
        """Say of what is under way that it is, whenever nothing was said for so long, until all has ``ended``."""
        while not ended.wait(max(self.told + quiet_s - time.monotonic(), 0.01)):
            if time.monotonic() - self.told >= quiet_s:
                for name, began in list(self.under_way.items()):
                    self.say(name, f"still installing, for {time.monotonic() - began:.0f} s")

    def do(self, step: Step) -> bool:
        """Do one step if it is not done yet; tells whether it is done now."""
        name, is_there, make = step
        began = time.monotonic()
        try:
            if not is_there():
                self.under_way[name] = began
                try:
                    make(lambda state: self.say(name, state))
                finally:
                    del self.under_way[name]
                self.say(name, f"ready after {time.monotonic() - began:.1f} s")
        except Failed as failed:
            self.say(name, "FAILED")
            self.failures.append(f"{name}: {failed}")
            return False
        except OSError as error:
            self.say(name, "FAILED")
            self.failures.append(f"{name}: {error}; what to do: look at that path and its disk, then run it again")
            return False
        return True

    def lane(self, steps: list[Step]) -> None:
        """One step after the other; a failed one does not keep the ones after it from being tried."""
        for step in steps:
            self.do(step)
