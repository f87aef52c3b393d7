"""Read a TOML file into frozen values.

An unknown key is refused, with the nearest known one: a misspelled limit that is silently ignored can lose data.
`${NAME}` in a value is replaced from the environment.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from crossfade.errors import Misused, UnknownSetting
from crossfade.model.files import read_bytes

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]


def read_toml(file: Path) -> dict[str, Any]:
    """Return what the file holds. Raises Misused if it is missing or does not parse."""
    try:
        return tomllib.loads(read_bytes(file).decode())
    except FileNotFoundError:
        hint = "name the project's folder with --project"
        raise Misused(f"no {file.name} in {file.parent}", hint=hint) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise Misused(f"{file} is not valid TOML: {e}") from None


def validated(model: type[Model], data: dict[str, Any], file: Path) -> Model:
    """Return the data as a value of `model`. Raises UnknownSetting for an unknown key, Misused for a wrong value."""
    try:
        return model.model_validate(data)
    except ValidationError as e:
        # a misspelled key is also a missing one: report the misspelling
        unknown = [error["loc"] for error in e.errors() if error["type"] == "extra_forbidden"]
        if unknown:
            raise _unknown(model, file, unknown) from None
        said = "\n".join(_said(file, error["loc"], error["msg"]) for error in e.errors())
        raise Misused(said, hint="see docs/reference/crossfade-toml.md") from None


def _said(file: Path, loc: Location, message: str) -> str:
    message = message.removeprefix("Value error, ")  # pydantic's, before what a validator says
    return f"{file}: {_place(loc) or 'file'}: {message[:1].lower()}{message[1:]}"


def _place(loc: Location) -> str:
    return ".".join(str(step) for step in loc)


def _unknown(model: type[BaseModel], file: Path, locs: Sequence[Location]) -> UnknownSetting:
    known = _known_keys(model, locs[0][:-1])
    near = difflib.get_close_matches(str(locs[0][-1]), known, n=1, cutoff=0.4)
    hint = f"{near[0]!r}" if near else f"one of {', '.join(known)}"
    said = "\n".join(f"{file}: unknown key {_place(loc)!r}" for loc in locs)
    return UnknownSetting(f"{said}; nothing was done", hint=hint)


def _known_keys(model: type[BaseModel], loc: Location) -> list[str]:
    """Return the keys that the section at this location may have."""
    for step in loc:
        if isinstance(step, str):  # else one of several of the same kind
            (model,) = _models_in(model.model_fields[step].annotation)
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expanded(value: str, environment: Mapping[str, str], file: Path) -> str:
    """Return a URL with its variables replaced. Call it only when the URL is needed: a survey should not ask for the
    target's password.
    """

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            raise Misused(f"{file} uses the environment variable {name}, which is not set", hint=f"export {name}=...")
        return environment[name]

    found = _VARIABLE.sub(replace, value)
    if not found.strip():
        raise Misused(f"{file} takes a URL from {value!r}, which is empty", hint="set it to a URL")
    return found
