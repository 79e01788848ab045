"""The shape of the code, held by reading it: thin DAGs, small modules, names that say what they mean."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import ROOT

DAG_FILES = sorted((ROOT / "dags").rglob("*.py"))
MODULES = sorted(
    path
    for folder in ("plugins", "spark_jobs", "deploy", "dags")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts and path.read_text().strip()
)
LIBRARY = ("enginedge",)
MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "lib"}
SUPERSEDED = ("_v2", "_new", "_old", "_tmp", "_copy")
DAG_LINES, MODULE_LINES, FUNCTION_LINES = 80, 300, 60


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=named(paths))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def decorated_with(function: ast.FunctionDef, name: str) -> bool:
    decorators = [each.func if isinstance(each, ast.Call) else each for each in function.decorator_list]
    return any(isinstance(each, ast.Name) and each.id == name for each in decorators)


def library_names(module: ast.Module) -> set[str]:
    """The names that ``module`` binds by importing from the library."""
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name
        for node in imports
        if (node.module or "").split(".")[0] in LIBRARY
        for alias in node.names
    }


def root_of(call: ast.Call) -> str:
    at: ast.expr = call.func
    while isinstance(at, ast.Attribute):
        at = at.value
    return at.id if isinstance(at, ast.Name) else ""


@each(DAG_FILES)
def test_a_dag_file_fits_on_two_screens_and_opens_with_its_manual(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= DAG_LINES
    assert len(ast.get_docstring(tree(path)) or "") > 200


@each(DAG_FILES)
def test_a_dag_file_declares_when_and_in_what_order_and_nothing_else(path: Path) -> None:
    """Imports, constants, decorated functions, one loop over a declared list, and the call that makes the DAG."""
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.For)
    for node in tree(path).body:
        assert isinstance(node, allowed), f"line {node.lineno}: {type(node).__name__}"
        if isinstance(node, ast.Assign):
            assert isinstance(node.value, ast.Constant | ast.Tuple), f"line {node.lineno} computes something"
        if isinstance(node, ast.FunctionDef):
            known = decorated_with(node, "task") or decorated_with(node, "dag") or decorated_with(node, "task_group")
            assert known, f"{node.name} is no task and no DAG"


@each(DAG_FILES)
def test_a_task_is_one_statement_with_at_most_one_call_into_the_library(path: Path) -> None:
    module = tree(path)
    ours = library_names(module)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and decorated_with(node, "task"):
            assert len(node.body) == 1, f"{node.name} has {len(node.body)} statements"
            calls = [call for call in ast.walk(node.body[0]) if isinstance(call, ast.Call) and root_of(call) in ours]
            assert len(calls) <= 1, f"{node.name} calls the library {len(calls)} times"


@each(DAG_FILES)
def test_a_dag_file_imports_no_engine_and_reads_no_clock(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {name.split(".")[0] for name in names} & {"pandas", "pyspark", "os", "time", "requests"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"now", "today", "utcnow", "read_text", "open"}, f"line {node.lineno}"


@each(MODULES)
def test_a_module_is_named_for_what_it_means(path: Path) -> None:
    for part in (path.stem, path.parent.name):
        assert part not in MEANINGLESS
        assert not part.endswith(SUPERSEDED)


@each(MODULES)
def test_a_module_says_why_it_is_there_and_is_short_enough_to_read(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "it has no docstring"
    assert len(path.read_text().splitlines()) <= MODULE_LINES


@each(MODULES)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_airflow_executes_no_file_of_the_library() -> None:
    assert (ROOT / "plugins" / ".airflowignore").read_text().split() == ["*"]


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert said.returncode == 0, said.stdout[-3000:]
