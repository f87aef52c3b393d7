"""The reference documents all of it, and correctly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from calling import call
from crossfade import errors
from crossfade.cli.failure import BROKEN_PIPE, INTERNAL, INTERRUPTED, kind_of
from crossfade.cli.reference import reference
from crossfade.errors import CrossfadeError
from crossfade.model.reasons import REASONS
from crossfade.project import Discard, Settings, Shifting

DOCS = Path(__file__).parents[2] / "docs/reference"


def _read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_commands_are_fresh() -> None:
    assert _read("commands.md") == reference(), "docs/reference/commands.md is stale: make docs"


def _commands() -> list[list[str]]:
    return [name.split() for name in re.findall(r"^## (.+)$", reference(), re.M)]


@pytest.mark.parametrize("command", [c for c in _commands() if c[0] != "Options"], ids=" ".join)
def test_help_has_an_example_and_names_the_environment(command: list[str]) -> None:
    ended = call(*command, "--help")
    assert ended.status == 0
    assert f"Example:\n    crossfade {' '.join(command)} " in ended.out
    for name in ("PROJECT", "JSON", "WORKERS", "LOG_FORMAT", "QUIET"):
        assert f"CROSSFADE_{name}" in ended.out


def test_help_without_a_command() -> None:
    for group in ([], ["schema"], ["quarantine"]):
        ended = call(*group, "--help")
        assert (ended.status, "Example:" in ended.out) == (0, True)
    ended = call("quarantine")
    assert (ended.status, ended.out) == (2, "")
    assert "retry" in ended.err


def test_version() -> None:
    assert re.fullmatch(r"crossfade \d+\.\d+\.\d+\n", call("--version").out)


def _classes() -> list[type[CrossfadeError]]:
    found = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, CrossfadeError)]
    return [c for c in found if not c.__name__.startswith("_")]


def test_every_kind_of_error_is_documented_with_its_status() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", _read("errors.md"), re.M))
    expected = {kind_of(c): str(c.exit_status) for c in _classes()}
    expected |= {"usage": "2", "internal": str(INTERNAL), "interrupted": str(INTERRUPTED)}
    assert documented == expected


def test_every_exit_status_is_documented() -> None:
    for page in ("errors.md", "commands.md"):
        documented = {int(n) for n in re.findall(r"^\| (\d+) \|", _read(page), re.M)}
        assert documented == {0, 1, 2, 3, INTERNAL, INTERRUPTED, BROKEN_PIPE}


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, key + ".")
        elif name != "discard":
            yield key


def test_every_key_of_the_configuration_is_documented() -> None:
    documented = re.findall(r"^\| `([\w.]+)` \|", _read("crossfade-toml.md"), re.M)
    as_in_cutover = {f"rollback.{name}" for name in Shifting.model_fields}
    assert sorted(documented) == sorted({*_keys(Settings), *_keys(Discard, "discard.")} - as_in_cutover)


def test_the_configuration_shown_is_valid() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", _read("crossfade-toml.md"), re.S)
    Settings.model_validate(tomllib.loads(example))


def test_reasons_in_quarantine_are_documented() -> None:
    described = _read("errors.md").partition("## Reasons in quarantine")[2]
    assert sorted(re.findall(r"^\| `(\w+)` \|", described, re.M)) == sorted(REASONS)
