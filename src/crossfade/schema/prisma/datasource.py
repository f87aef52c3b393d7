"""Reads the datasource block: provider, schemas, extensions, relationMode."""

from __future__ import annotations

from collections.abc import Sequence

from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.shape import Source
from crossfade.schema.prisma.syntax import Block, Call, FilePlace, Items, Name, Text, Value

_PROVIDERS = ("postgresql", "postgres", "prisma+postgres", "cockroachdb", "sqlite", "mysql", "sqlserver", "mongodb")
_SETTINGS = ("provider", "url", "directUrl", "shadowDatabaseUrl", "relationMode", "referentialIntegrity", "schemas",
             "extensions")  # fmt: skip
_MODES = ("foreignKeys", "prisma")


def read_source(blocks: Sequence[Block], faults: Faults) -> Source:
    """Return the datasource of a schema. A second one is a fault, as is an unknown setting."""
    sources = [b for b in blocks if b.kind == "datasource"]
    for extra in sources[1:]:
        faults.add(extra.place, "a schema has one datasource; this is a second one", hint="keep one of them")
    return _source(sources[0], faults) if sources else Source()


def _source(block: Block, faults: Faults) -> Source:
    given: dict[str, Value] = {}
    for setting in block.settings:
        if setting.name not in _SETTINGS:
            faults.unknown(setting.place, "setting of a datasource", setting.name, _SETTINGS)
        given[setting.name] = setting.value
    source = Source(block.name, place=block.place)
    source.provider = _chosen(given.get("provider"), "provider", _PROVIDERS, faults)
    mode = _chosen(given.get("relationMode"), "relationMode", _MODES, faults)
    source.relation_mode = mode or source.relation_mode
    source.schemas = tuple(_words(given.get("schemas")))
    source.extensions = tuple(_words(given.get("extensions")))
    if source.provider is None and "provider" not in given:
        faults.add(block.place, "the datasource has no provider", hint='add: provider = "postgresql"')
    return source


def _chosen(value: Value | None, what: str, known: Sequence[str], faults: Faults) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Text):
        faults.add(value.place, f"{what} must be a string", hint=f'write {what} = "{known[0]}"')
        return None
    if value.value not in known:
        inside = FilePlace(value.place.file, value.place.line, value.place.column)
        faults.unknown(inside, what, value.value, known)
        return None
    return value.value


def _words(value: Value | None) -> list[str]:
    """Return the entries of a list or a single one: strings, names, or names with options (`postgis(version: "2")`)."""
    words: list[str] = []
    for item in value.values if isinstance(value, Items) else (value,):
        if isinstance(item, Text):
            words.append(item.value)
        elif isinstance(item, Name):
            words.append(item.path)
        elif isinstance(item, Call):
            mapped = next((a.value for a in item.arguments if a.name == "map"), None)
            words.append(mapped.value if isinstance(mapped, Text) else item.name)
    return words
