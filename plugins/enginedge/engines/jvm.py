"""Options of Java that more than one of the servers here takes."""

from __future__ import annotations

#: One thread collects: what costs least with a heap of some hundred megabytes and two cores for everything.
SERIAL = "-XX:+UseSerialGC"
#: Compiles once and quickly: half of the processor time until it is warm, and heavy work up to six times as slow.
FIRST_COMPILER = "-XX:TieredStopAtLevel=1"
#: With the first compiler alone Java keeps 48 MB for what it compiles. A small application's driver fills 35 of them;
#: once they are full, calls fail that Java itself compiles ("no such method: linkToStatic").
ROOM_FOR_CODE = "-XX:ReservedCodeCacheSize=128M"
