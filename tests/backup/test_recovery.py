"""The way back from the recovery sheet: what was printed, written as JSON or encrypted becomes the secrets' files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from enginedge.backup import recovery
from enginedge.backup.recovery import Sheet, recover, secrets_of
from enginedge.errors import Misconfigured
from enginedge.settings import Settings

SECRETS = {"airflow-fernet": "Zm9v/bar+baz=", "postgres-admin": "a = b", "lineage.json": '{"user": "x"}'}
SHEET = Sheet("2026-11-28 01:00 UTC", "s3:http://one/backup/restic", "s3:http://two/backup/restic", SECRETS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the secrets of an installation that has lost them."""
    place = Settings(root=tmp_path, state=tmp_path, secrets=tmp_path / "secrets")
    monkeypatch.setattr(recovery, "settings", lambda: place)
    return place.secrets


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sheet"
    path.write_text(text)
    return path


@pytest.fixture
def safe(tmp_path: Path) -> tuple[Path, Path]:
    """A key and its certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=safe", "-days", "1"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return key, certificate


def test_what_was_printed_becomes_the_secrets_files(tmp_path: Path, folder: Path) -> None:
    assert recover(secrets_of(_written(tmp_path, str(SHEET)))) == sorted(SECRETS)
    assert {path.name: path.read_text() for path in folder.iterdir()} == SECRETS
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_json_and_a_text_with_the_lines_of_another_system_say_the_same(tmp_path: Path) -> None:
    assert secrets_of(_written(tmp_path, json.dumps(SHEET.plain))) == SECRETS
    assert secrets_of(_written(tmp_path, str(SHEET).replace("\n", "\r\n"))) == SECRETS


def test_a_secret_that_somebody_chose_comes_back_whatever_is_in_it(tmp_path: Path, safe: tuple[Path, Path]) -> None:
    chosen = {
        "Smtp_Login": " blanks around ",
        "key.pem": "-----BEGIN KEY-----\nZm9v\n-----END KEY-----",
        "said": '"so"',
        "tab": "\tand\r",
        "lines": "\u2028",
        "ü": "größe",
    }
    sheet = Sheet("2026-11-28 01:00 UTC", "s3:one", "s3:two", chosen)
    assert secrets_of(_written(tmp_path, str(sheet))) == chosen
    key, certificate = safe
    assert secrets_of(_written(tmp_path, recovery.encrypted(str(sheet), certificate)), key) == chosen


@pytest.mark.parametrize("name", ["../elsewhere", "/proc/elsewhere", "", ".", "a/b", "two words"])
def test_a_sheet_leads_to_no_file_but_those_of_secrets(tmp_path: Path, folder: Path, name: str) -> None:
    sheet = Sheet("2026-11-28 01:00 UTC", "s3:one", "s3:two", {name: "x"})
    with pytest.raises(Misconfigured, match="is no name of a secret"):
        recover(secrets_of(_written(tmp_path, json.dumps(sheet.plain))))
    assert not folder.exists()


def test_a_folder_of_keys_is_refused_and_not_left_out_in_silence(folder: Path) -> None:
    recover(SECRETS)
    (folder / "pki").mkdir()
    with pytest.raises(Misconfigured, match="pki is no file, and the sheet would lack what is in it"):
        recovery.sheet()


def test_an_encrypted_sheet_is_opened_by_its_key_alone(tmp_path: Path, safe: tuple[Path, Path]) -> None:
    key, certificate = safe
    sheet = _written(tmp_path, recovery.encrypted(str(SHEET), certificate))
    assert secrets_of(sheet, key) == SECRETS
    with pytest.raises(Misconfigured, match="it is encrypted"):
        secrets_of(sheet)
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(other), "2048"], check=True, capture_output=True)
    with pytest.raises(Misconfigured, match=r"does not open it|no secret on it"):
        secrets_of(sheet, other)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (str(SHEET).replace("a = b", "a = c"), "not what was printed"),
        ("\n".join(line for line in str(SHEET).splitlines() if "fernet" not in line), "not what was printed"),
        (str(SHEET).partition("check:")[0], "its check is missing"),
        ("Dear diary", "no secret on it"),
        ("[1, 2]", "no secret on it"),
    ],
)
def test_a_mistyped_or_torn_sheet_is_refused(tmp_path: Path, spoilt: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        secrets_of(_written(tmp_path, spoilt))


def test_a_secret_that_is_there_and_differs_is_not_replaced_nor_any_other_written(folder: Path) -> None:
    recover({"postgres-admin": "another"})
    with pytest.raises(Misconfigured, match="postgres-admin is there already") as caught:
        recover(SECRETS)
    assert "another" not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["postgres-admin"]
    assert recover({"postgres-admin": "another"}) == [], "again is nothing new"
