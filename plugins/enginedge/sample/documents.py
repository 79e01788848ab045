"""Resumes as documents in the bucket: text with a small front matter that says whose it is and how new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from enginedge.sample import records as shared
from enginedge.sample import resumes, vocabulary
from enginedge.sample.night import Night
from enginedge.sample.rates import dirt
from enginedge.sample.records import Record

TABLE = "documents"
RENEWED = 0.15  # of the documents replace one of an earlier night
MOVED = {"late": shared.days_earlier, "skewed_clock": shared.minutes_ahead}


def _body(resume: Record, chance: Random) -> str:
    skills = "\n".join(f"- {skill}" for skill in resume["skills"])
    return (
        f"# {vocabulary.full_name(chance)}\n\n{resume['headline']}\n\n## Skills\n\n{skills}\n\n"
        f"## Experience\n\n{vocabulary.paragraph(chance, 4 + int(chance.expovariate(1 / 6)))}\n"
    )


def _document(fields: Record, body: str) -> bytes:
    front = "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)
    return f"---\n{front}---\n{body}".encode()


def _resume_of(night: Night, index: int) -> tuple[Record, datetime]:
    """The resume that the document ``index`` is of, and when the document was written."""
    chance = night.stream(TABLE, index, "resume")
    if index and chance.random() < RENEWED:
        origin = night.earlier(chance)
        return resumes.resume(origin, chance.randrange(origin.count(TABLE))), night.moment(chance)
    made = resumes.resume(night, index)
    return made, made["updated_at"]


def _spoiled(kind: str | None, fields: Record, body: str) -> bytes:
    """The document with its kind of dirt."""
    match kind:
        case "no_front_matter":
            return body.encode()
        case "open_front_matter":
            return _document(fields, body).replace(b"---\n# ", b"# ", 1)
        case "empty":
            return b""
        case "not_utf8":
            return _document(fields, body) + b"\xff\xfe caf\xe9\n"
        case "missing":
            return _document({**fields, "user_id": None}, body)
        case "unknown_field":
            return _document({**fields, "template": "two-column"}, body)
        case "unicode":
            return _document(fields, body + "\n" + "\n\n".join(vocabulary.STRANGE) + "\n")
        case _:
            return _document(fields, body)


def _objects_of(night: Night, index: int) -> Iterator[tuple[str, bytes]]:
    resume, written = _resume_of(night, index)
    chance = night.stream(TABLE, index)
    body = _body(resume, chance)
    key = resumes.document_key(night, resume["_id"])
    kind = dirt(night, TABLE).get(index)
    at = MOVED[kind](written, chance) if kind in MOVED else written
    fields: Record = {"resume_id": resume["_id"], "user_id": resume["user_id"], "updated_at": shared.iso(at)}
    yield key, _spoiled(kind, fields, body)
    if kind == "duplicate":
        yield key.replace(".md", "-copy.md"), _document(fields, body)
    if kind == "superseded":
        draft = shared.iso(written - timedelta(minutes=chance.randint(1, 50)))
        yield key.replace(".md", "-draft.md"), _document({**fields, "updated_at": draft}, body + "\n(draft)\n")


def objects(night: Night) -> Iterator[tuple[str, bytes]]:
    """The night's documents: key in the bucket and content. No key comes twice."""
    written: set[str] = set()
    for index in range(night.count(TABLE)):
        for key, content in _objects_of(night, index):
            if key not in written:
                written.add(key)
                yield key, content
