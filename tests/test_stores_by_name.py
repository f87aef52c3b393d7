"""No phase asks which database it talks to: what differs is a trait of a store, a part, or a fact of a dialect."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import crossfade

ROOT = Path(crossfade.__file__).parent
ROOMS = ("assess", "cli", "journal", "mapping", "move", "pipeline", "runtime", "shift", "transform", "verify")
NAMES = re.compile(r"\b(?:mongodb|mongo|sqlite|postgres|postgresql|mysql|mariadb|psycopg)(?:\b|\d)", re.IGNORECASE)

ALLOWED = {
    "assess/groups.py": "how sqlglot reads a rule: groups need PostgreSQL",
    "cli/schema_diff.py": "examples of URLs in its help",
    "move/cutting_back.py": "the subject of a message",
    "move/shifting.py": "the subject of a message",
    "move/starting.py": "the subject of a message",
    "move/way_back.py": "the subject of messages",
}


def _texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the strings of a module, without docstrings."""
    said = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node


def asked(text: str) -> list[str]:
    tree = ast.parse(text)
    found = [f"line {node.lineno}: {node.value!r}" for node in _texts(tree) if NAMES.search(str(node.value))]
    schemes = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "scheme")
    return found + [f"line {node.lineno}: .scheme" for node in schemes]


def test_no_phase_names_a_database() -> None:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 100
    found = {file.relative_to(ROOT).as_posix(): asked(file.read_text(encoding="utf-8")) for file in files}
    assert {name for name, places in found.items() if places} == ALLOWED.keys()


def test_a_question_by_name_is_found() -> None:
    assert asked('if store.scheme == "x":\n    pass') == ["line 1: .scheme"]
    assert asked('"""sqlite"""\nfits = url.startswith("sqlite:")') == ["line 2: 'sqlite:'"]
