"""source.lock.json: the shapes of the source's entities, for review in git.

    {
      "crossfade": 1,
      "entities": {
        "users": {"class": "collection", "plan": "copied", "count": 2, "bytes": 80, "paths": [
          {"path": ".", "types": {"object": {"count": 2, "min_length": 2, "max_length": 2}}},
          {"path": "code", "types": {"string": {"count": 2, "min_length": 1, ...}}}
        ]}
      }
    }

An object whose keys are data (a map) has a line for itself, with `map` to describe its keys, and one line for all its
values: `{"path": "usage.{}", ...}`.

There is one path on each line, paths are sorted by their steps, and all of it depends on the data alone (no times, no
versions), so that a diff shows only what has changed in the source. `sql` is present where the place has another
name in SQL. Zeros and empty values are left out. Reading returns exactly what was written.

`types` names the vocabulary of the types, unless it is that of documents. Where a source declares its places, `key` is
the key of an entity's records, `references` what its rows refer to (`declared` is false where only the names say so),
and `declared` what the source declares at a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as File
from typing import Any

from crossfade.errors import Refused, Unreachable
from crossfade.model.files import read_bytes, write_text
from crossfade.model.references import Reference
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, Shape, TypeStats, format_path, parse_path, unescape_step
from crossfade.model.vocabulary import Vocabulary
from crossfade.records.vocabularies import DEFAULT, vocabulary

FORMAT = 1
SURVEY = "create it again from the source: crossfade survey"


def write_lock(file: File, shapes: Iterable[Shape]) -> None:
    """Write the file atomically. Raises Unreachable if it cannot be written."""
    write_text(file, dump_lock(shapes))


def read_lock(file: File) -> list[Shape]:
    """Return the shapes in the file, sorted by entity. Raises Unreachable if it cannot be read, Refused if damaged."""
    try:
        text = read_bytes(file).decode()
    except FileNotFoundError:
        raise Unreachable(f"there is no {file}", hint="crossfade survey") from None
    except OSError as error:
        raise Unreachable(f"{file} could not be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is damaged: {error}", hint=SURVEY) from error
    return load_lock(text, str(file))


def dump_lock(shapes: Iterable[Shape]) -> str:
    """Return the text of the file."""
    shapes = sorted(shapes, key=lambda shape: shape.entity)
    entities = [_entity_text(shape) for shape in shapes]
    body = "{\n" + ",\n".join(entities) + "\n  }" if entities else "{}"
    named = {shape.vocabulary.name for shape in shapes} - {"", DEFAULT}
    types = "".join(f'  "types": {_json(name)},\n' for name in named)
    return f'{{\n  "crossfade": {FORMAT},\n{types}  "entities": {body}\n}}\n'


def load_lock(text: str, name: str = "source.lock.json") -> list[Shape]:
    """Return the shapes in the text of the file `name`. Raises Refused if it is damaged or has another format."""
    try:
        found = json.loads(text)
        version = found["crossfade"]
        entities = found["entities"].items() if version == FORMAT else ()
        words = vocabulary(found.get("types", DEFAULT))
        shapes = [_shape(entity, entry, words) for entity, entry in sorted(entities)]
    except json.JSONDecodeError as error:
        raise Refused(f"{name}:{error.lineno}:{error.colno}: damaged, not JSON: {error.msg}", hint=SURVEY) from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Refused(f"{name} is damaged: {_fault(error)}", hint=SURVEY) from error
    if version != FORMAT:
        raise Refused(f"{name} has format {version!r}; this crossfade reads {FORMAT}", hint=SURVEY)
    return shapes


def _fault(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _entity_text(shape: Shape) -> str:
    head: dict[str, Any] = {"class": shape.entity_class, "plan": shape.plan, "count": shape.count, "bytes": shape.bytes}
    if shape.own_key:
        head["key"] = [format_path(path) for path in shape.own_key]
    if shape.references:
        head["references"] = [_reference(one) for one in shape.references]
    if shape.problems:
        head["problems"] = dict(sorted(shape.problems.items()))
    lines = "".join(f"      {_json(name)}: {_json(value)},\n" for name, value in head.items())
    paths = ",\n".join(f"        {_json(_place(path, node))}" for path, node in shape.root.walk())
    return f'    {_json(shape.entity)}: {{\n{lines}      "paths": [\n{paths}\n      ]\n    }}'


def _place(path: Path, node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": format_path(path)}
    if node.engine != node.name:
        entry["sql"] = node.engine
    if node.declared:
        entry["declared"] = node.declared
    if node.missing:
        entry["missing"] = node.missing
    entry["types"] = {name: _stats(stats) for name, stats in sorted(node.types.items())}
    if node.is_map:
        entry["map"] = _stats(node.names or TypeStats(0))
    return entry


def _stats(stats: TypeStats) -> dict[str, Any]:
    named = {
        "least": stats.least,
        "greatest": stats.greatest,
        "min_length": stats.min_length,
        "max_length": stats.max_length,
        "distinct": stats.distinct,
        "values": list(stats.values) or None,
        "keys": list(stats.keys) or None,
    }
    return {"count": stats.count, **{name: value for name, value in named.items() if value is not None}}


def _shape(entity: str, entry: Mapping[str, Any], words: Vocabulary) -> Shape:
    places = {parse_path(place["path"]): place for place in entry["paths"]}
    if len(places) != len(entry["paths"]):
        raise ValueError(f"a path of {entity} occurs twice")
    below: dict[Path, list[Path]] = {path: [] for path in places}
    for path in places:
        if path:
            if path[:-1] not in below:
                raise ValueError(f"{entity}: the parent of {format_path(path)} is missing")
            below[path[:-1]].append(path)
    return Shape(
        entity,
        _number(entry["count"]),
        _node((), places, below, words),
        str(entry["class"]),
        str(entry["plan"]),
        _number(entry["bytes"]),
        {str(reason): _number(count) for reason, count in entry.get("problems", {}).items()},
        tuple(parse_path(path) for path in entry.get("key", ())),
        tuple(map(_as_reference, entry.get("references", ()))),
    )


def _reference(one: Reference) -> dict[str, Any]:
    found = {"columns": list(one.columns), "to": one.to, "there": list(one.there), "orphans": one.orphans}
    return found if one.declared else {**found, "declared": False}


def _as_reference(entry: Mapping[str, Any]) -> Reference:
    names = tuple(map(str, entry["columns"])), str(entry["to"]), tuple(map(str, entry["there"]))
    return Reference(*names, declared=bool(entry.get("declared", True)), orphans=_number(entry["orphans"]))


def _node(
    path: Path, places: Mapping[Path, Mapping[str, Any]], below: Mapping[Path, Sequence[Path]], words: Vocabulary
) -> Node:
    place = places[path]
    name = path[-1] if path else ""
    name = name if name in (ELEMENT, ENTRY) else unescape_step(name)
    children = {child: _node(child, places, below, words) for child in below[path]}
    return Node(
        name,
        str(place.get("sql", name)),
        {kind: _type_stats(stats) for kind, stats in place["types"].items()},
        _number(place.get("missing", 0)),
        tuple(sorted((n for child, n in children.items() if child[-1] not in (ELEMENT, ENTRY)), key=lambda n: n.name)),
        children.get((*path, ELEMENT)),
        children.get((*path, ENTRY)),
        _type_stats(place["map"]) if "map" in place else None,
        words,
        str(place.get("declared", "")),
    )


def _type_stats(stats: Mapping[str, Any]) -> TypeStats:
    return TypeStats(
        _number(stats["count"]),
        _text(stats.get("least")),
        _text(stats.get("greatest")),
        None if stats.get("min_length") is None else _number(stats["min_length"]),
        None if stats.get("max_length") is None else _number(stats["max_length"]),
        tuple(str(key) for key in stats.get("keys", ())),
        None if stats.get("distinct") is None else _number(stats["distinct"]),
        tuple(str(value) for value in stats.get("values", ())),
    )


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")
    return value
