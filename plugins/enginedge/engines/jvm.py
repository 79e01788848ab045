"""Options of Java that more than one of the servers here takes."""

from __future__ import annotations

#: One thread collects: what costs least with a heap of some hundred megabytes and two cores for everything.
SERIAL = "-XX:+UseSerialGC"
#: Compiles once and quickly: half of the processor time until it is warm, and heavy work up to six times as slow.
FIRST_COMPILER = "-XX:TieredStopAtLevel=1"
