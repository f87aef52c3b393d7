"""What `import crossfade` offers: exactly what is documented, loaded when it is asked for."""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import crossfade

EXPORTED = ["Move", "Project", "__version__", "errors", "events", "load_project"]


def test_the_exported_names() -> None:
    assert sorted(crossfade.__all__) == EXPORTED == dir(crossfade)
    assert all(getattr(crossfade, name) is not None for name in EXPORTED)
    assert crossfade.__version__ == importlib.metadata.version("crossfade")


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        crossfade.no_such_name  # noqa: B018


def test_every_method_of_a_move_says_what_it_does() -> None:
    methods = {name: f for name, f in vars(crossfade.Move).items() if inspect.isfunction(f) and name[0] != "_"}
    assert {"survey", "check", "copy", "verify", "status", "retry", "discard", "reset"} <= set(methods)
    assert [name for name, f in methods.items() if not inspect.getdoc(f)] == []


def test_every_method_of_a_move_is_in_the_documentation() -> None:
    page = (Path(__file__).parent.parent / "docs/reference/python.md").read_text(encoding="utf-8")
    methods = {name for name, f in vars(crossfade.Move).items() if inspect.isfunction(f) and name[0] != "_"}
    assert {name for name in methods | {"lineage", "diagram"} if f"`{name}`" not in page} == set()


def test_importing_it_loads_no_driver_and_no_engine() -> None:
    code = "import sys, crossfade; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"duckdb", "pyarrow", "psycopg", "pymongo", "sqlalchemy", "sqlglot", "typer"} & set(loaded)


def test_the_command_line_does_without_what_is_slow_to_load_and_seldom_needed() -> None:
    code = "import sys, crossfade.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "lark", "jinja2", "distributed"} & set(loaded)
