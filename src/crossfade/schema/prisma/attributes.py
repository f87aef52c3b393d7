"""Defines which attributes exist, which arguments they take, and how their values are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.syntax import Attribute, Call, FilePlace, Items, Name, Text, Value

Known = Mapping[str, tuple[str, ...]]

# Attribute -> its arguments; an unnamed argument is the first of them.
ON_FIELD: Known = {
    "default": ("value", "map"),
    "id": ("map", "length", "sort", "clustered"),
    "ignore": (),
    "map": ("name",),
    "relation": ("name", "fields", "references", "onDelete", "onUpdate", "map"),
    "unique": ("map", "length", "sort", "clustered", "where"),
    "updatedAt": (),
}
ON_MODEL: Known = {
    "fulltext": ("fields", "map"),
    "id": ("fields", "name", "map", "length", "sort", "clustered"),
    "ignore": (),
    "index": ("fields", "name", "map", "type", "ops", "length", "sort", "clustered", "where"),
    "map": ("name",),
    "schema": ("name",),
    "unique": ("fields", "name", "map", "length", "sort", "clustered", "where"),
}
ON_ENUM: Known = {"map": ("name",), "schema": ("name",), "ignore": ()}
ON_LABEL: Known = {"map": ("name",), "ignore": ()}

# These may occur more than once in one block.
_REPEATED = {"@@index", "@@unique", "@@fulltext"}


@dataclass(frozen=True, slots=True)
class Bound:
    """An attribute whose arguments are bound to their names."""

    name: str
    place: FilePlace
    values: Mapping[str, Value]

    def text(self, argument: str) -> str | None:
        """Return the string given for an argument, or None."""
        value = self.values.get(argument)
        return value.value if isinstance(value, Text) else None


def bind(attributes: Iterable[Attribute], known: Known, signs: str, faults: Faults) -> list[Bound]:
    """Bind arguments to names; record faults for unknown attributes, unknown arguments and repetitions.

    :param signs: `@` or `@@`, as the attributes are written.
    """
    bound: list[Bound] = []
    for attribute in attributes:
        spelled = signs + attribute.name
        if attribute.name not in known:
            _unknown(attribute, known, signs, faults)
        elif spelled not in _REPEATED and any(b.name == attribute.name for b in bound):
            faults.add(attribute.place, f"{spelled} is given twice", hint="keep one of them")
        else:
            names_labels = known is ON_LABEL
            bound.append(_bound(attribute, known[attribute.name], spelled, faults, names_labels=names_labels))
    return bound


def _unknown(attribute: Attribute, known: Known, signs: str, faults: Faults) -> None:
    other = "@@" if signs == "@" else "@"
    elsewhere = ON_MODEL if other == "@@" else ON_FIELD
    hint = None
    if attribute.name in elsewhere:
        hint = f"{other}{attribute.name} belongs {'to the block, on its own line' if other == '@@' else 'to a field'}"
    faults.unknown(attribute.place, "attribute", signs + attribute.name, [signs + k for k in known], hint)


def _bound(
    attribute: Attribute, names: tuple[str, ...], spelled: str, faults: Faults, *, names_labels: bool = False
) -> Bound:
    values: dict[str, Value] = {}
    for position, argument in enumerate(attribute.arguments):
        name = argument.name or (names[0] if names and names[0] not in values else None)
        if name is None:
            takes = f"takes {', '.join(names)}" if names else "takes no arguments"
            hint = (
                f"write the name: {names[min(position, len(names) - 1)]}: ..."
                if names
                else f"write {spelled} without arguments"
            )
            faults.add(argument.place, f"{spelled} {takes}; this argument has no name", hint=hint)
        elif name not in names:
            faults.unknown(argument.place, f"argument of {spelled}", name, names)
        elif name in values:
            faults.add(argument.place, f"the argument {name!r} of {spelled} is given twice")
        else:
            values[name] = argument.value
    _texts(attribute, spelled, values, faults, empty=names_labels)
    return Bound(attribute.name, attribute.place, values)


def _texts(attribute: Attribute, spelled: str, values: Mapping[str, Value], faults: Faults, *, empty: bool) -> None:
    """Check a name in the database: a string that is not empty, except for labels of an enum."""
    for name in ("map", "name"):
        value = values.get(name)
        if value is not None and not (isinstance(value, Text) and (value.value or empty)):
            faults.add(value.place, f"the argument {name!r} of {spelled} must be a non-empty string")
    if attribute.name in ("map", "schema") and not values:
        faults.add(attribute.place, f"{spelled} needs a name", hint=f'write {spelled}("name")')


@dataclass(frozen=True, slots=True)
class FieldListItem:
    """One entry of a field list: `title` or `title(sort: Desc, ops: raw("..."))`."""

    name: str
    place: FilePlace
    options: Mapping[str, Value]


def field_refs(value: Value | None, faults: Faults, place: FilePlace, what: str) -> list[FieldListItem]:
    """Return the fields of a list, or a single field; record a fault if it is neither."""
    items = value.values if isinstance(value, Items) else () if value is None else (value,)
    if not items:
        at = value.place if value is not None else place
        faults.add(at, f"{what} needs a list of fields", hint="write [field] or [field, field]")
        return []
    refs: list[FieldListItem] = []
    for item in items:
        if isinstance(item, Name):
            refs.append(FieldListItem(item.path, item.place, {}))
        elif isinstance(item, Call):
            refs.append(FieldListItem(item.name, item.place, _options(item, faults)))
        else:
            faults.add(item.place, f"{what} takes fields, not values")
    return refs


def _options(call: Call, faults: Faults) -> dict[str, Value]:
    options: dict[str, Value] = {}
    for argument in call.arguments:
        if argument.name in ("sort", "length", "ops"):
            options[argument.name] = argument.value
        else:
            faults.unknown(argument.place, "option", argument.name or "?", ["sort", "length", "ops"])
    return options
