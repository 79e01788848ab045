"""How a failure ends a command: one paragraph, and a status that tells a script what to do next."""

from __future__ import annotations

import pytest
from rich.table import Table

from enginedge.errors import EnginEdgeError, Misconfigured, Unavailable, Violated
from enginedge.printing import print_rows, print_table, run_command


@pytest.mark.parametrize(("kind", "status"), [(Misconfigured, 2), (Unavailable, 3), (Violated, 4)])
def test_a_failure_is_one_paragraph_and_a_status(
    kind: type[EnginEdgeError], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise kind("it broke", where="there", remedy="mend it")

    with pytest.raises(SystemExit) as ended:
        run_command(fail)
    assert ended.value.code == status
    assert capsys.readouterr().err == f"{kind.__name__}: there: it broke. What to do: mend it.\n"


def test_a_row_is_one_line_though_the_terminal_is_narrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enginedge.printing.WIDE", 20)
    id_ = "20261130T032121Z-998ccb21"
    rows = [{"id": id_, "undo": f"enginedge restore postgres --backup {id_} --replace postgres"}]
    print_rows(rows, ("id", "undo"), as_json=False)
    assert capsys.readouterr().out.splitlines()[1].split() == [id_, *rows[0]["undo"].split()]


@pytest.mark.parametrize("said", ["no answer from [/127.0.0.1:9083]", "[bold]", "hive://x:smile:y", "[/]"])
def test_a_cell_is_printed_as_it_is(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("Reason")
    table.add_row(said)
    print_table(table)
    assert said in capsys.readouterr().out
