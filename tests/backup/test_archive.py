"""The archive of a bucket or a volume: what comes out has the names and the bytes of what went in, however odd."""

from __future__ import annotations

import io

import pytest

from enginedge.backup import archive

ODD = {
    "a folder with a long name": f"{'long/' * 30}",
    "a folder with a foreign name": "größe/",
    "a file with a long name": "long/" * 30 + "file",
    "quotes, newlines and a dash": "-'\"\n\\;$(rm) ",
    "no UTF-8": b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "a link to where no UTF-8 leads": "link",
}


@pytest.mark.parametrize("name", ODD.values(), ids=ODD)
def test_an_odd_name_comes_out_as_it_went_in(name: str) -> None:
    entries = [archive.Entry(name, 5, io.BytesIO(b"bytes"), {"link": "to/\udcff", "mode": "0o644"})]
    written = io.BytesIO()
    described = archive.write(entries, written, str)
    written.seek(0)
    entry = next(archive.read(written))
    assert (entry.name, entry.size, entry.more) == (name, 5, {"link": "to/\udcff", "mode": "0o644"})
    assert archive.describe([entry], str) == described
