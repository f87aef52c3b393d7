"""@default and @updatedAt: what the database fills in, and what only Prisma's client fills in."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from crossfade.model.quoting import identifier
from crossfade.schema.prisma.faults import Faults
from crossfade.schema.prisma.names import Dialect
from crossfade.schema.prisma.notes import Notes
from crossfade.schema.prisma.shape import FieldShape
from crossfade.schema.prisma.syntax import Call, Items, Name, NumberLiteral, Text, Value

# Function -> the scalars it applies to. None: any.
FUNCTIONS: dict[str, tuple[str, ...] | None] = {
    "autoincrement": ("Int", "BigInt"),
    "auto": None,
    "cuid": ("String",),
    "dbgenerated": None,
    "nanoid": ("String",),
    "now": ("DateTime",),
    "sequence": ("Int", "BigInt"),
    "ulid": ("String",),
    "uuid": ("String",),
}
_NUMBERED = {"cuid": ("1", "2"), "uuid": ("4", "7"), "nanoid": None}
_SEQUENCE = {"start": "start", "increment": "increment", "minValue": "minvalue", "maxValue": "maxvalue",
             "cache": "cache", "virtual": None}  # fmt: skip
_RANGES = {"Int": 2**31, "BigInt": 2**63}
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?P<fraction>(?:\.[0-9]{1,9})?)"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass
class Default:
    """The default of a column.

    `server` goes into the DDL; `function` is Prisma's word for it (`cuid`, `uuid(7)`, `now`), None for a literal.
    """

    server: str | sa.TextClause | None = None
    function: str | None = None
    serial: bool = False
    sequence: dict[str, int] | None = None


class UnfitError(Exception):
    """A literal that does not fit its field; the message says why."""


def raw_sql(text: str) -> sa.TextClause:
    """Return SQL that is used verbatim, with no colon read as a parameter."""
    return sa.text(text.replace(":", "\\:"))


def quoted(text: str) -> str:
    """Return a string literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


class Defaults:
    """Reads the defaults of fields for one dialect."""

    def __init__(self, dialect: Dialect, foreign: bool, faults: Faults, notes: Notes) -> None:
        """:param foreign: the schema was written for another database, so its dbgenerated() text is not ours."""
        self.dialect = dialect
        self.foreign = foreign
        self.faults = faults
        self.notes = notes

    def of(self, field: FieldShape, sql_type: str, where: str) -> Default:
        """Return the default of a stored field; if it does not fit, record a fault and return an empty default.

        :param sql_type: the column's type as DDL spells it, for the cast of a list.
        """
        bound = field.attributes.get("default")
        updated = self._updated(field)
        if bound is None:
            return Default(function="updatedAt" if updated else None)
        value = bound.values.get("value")
        if value is None:
            self.faults.add(bound.place, "@default needs a value", hint="write @default(...), or remove it")
            return Default()
        if isinstance(value, Call):
            return self._function(field, value, where)
        try:
            self._note_offset(field, value, where)
            return Default(server=self._literal(field, value, sql_type))
        except UnfitError as unfit:
            self.faults.add(value.place, str(unfit), hint=self._labels(field))
            return Default()

    def _updated(self, field: FieldShape) -> bool:
        bound = field.attributes.get("updatedAt")
        if bound and (field.scalar != "DateTime" or field.many):
            self.faults.add(bound.place, f"@updatedAt requires a DateTime; {field.name} is not one")
        return bound is not None

    def _note_offset(self, field: FieldShape, value: Value, where: str) -> None:
        zoned = field.native is not None and field.native.name.endswith("tz")
        found = _TIME.fullmatch(value.value) if isinstance(value, Text) and field.scalar == "DateTime" else None
        if (
            found
            and found["offset"] not in ("Z", "z", "+00:00", "-00:00")
            and self.dialect == "postgresql"
            and not zoned
        ):
            text = (
                f"PostgreSQL ignores the offset {found['offset']} of the default; so does a database created by Prisma"
            )
            self.notes.add(text, where)

    def _labels(self, field: FieldShape) -> str | None:
        return f"one of {', '.join(field.enum.labels)}" if field.enum else None

    def _function(self, field: FieldShape, call: Call, where: str) -> Default:
        if call.name not in FUNCTIONS:
            self.faults.unknown(call.place, "default function", call.name, FUNCTIONS)
            return Default()
        scalars = FUNCTIONS[call.name]
        kind = field.source.type.name + ("[]" if field.many else "")
        if scalars is not None and kind not in scalars:
            reason = f"{call.name}() is a default for {' or '.join(scalars)} fields; {field.name} is {kind}"
            self.faults.add(call.place, reason)
            return Default()
        if call.name == "dbgenerated":
            return self._generated(call, where)
        if call.name == "sequence":
            return Default(function="sequence", sequence=self._sequence(call))
        argument = self._argument(call)
        if call.name == "now":
            return Default(server=sa.text("CURRENT_TIMESTAMP"), function="now")
        return Default(function=call.name + argument, serial=call.name == "autoincrement")

    def _argument(self, call: Call) -> str:
        """Return `(7)` of uuid(7), or empty text; record a fault if the function does not accept the argument."""
        if not call.arguments:
            return ""
        value, known = call.arguments[0].value, _NUMBERED.get(call.name, ())
        number = value.text if isinstance(value, NumberLiteral) else ""
        if len(call.arguments) > 1 or not number.isdigit() or (known is not None and number not in known):
            takes = f"takes {' or '.join(known)}" if known else "takes no argument" if known == () else "takes a number"
            self.faults.add(call.place, f"{call.name}() {takes}")
            return ""
        return f"({number})"

    def _generated(self, call: Call, where: str) -> Default:
        if not call.arguments:
            self.notes.add("dbgenerated() has no expression, so there is no default", where)
            return Default(function="dbgenerated")
        value = call.arguments[0].value
        if len(call.arguments) > 1 or not isinstance(value, Text) or not value.value.strip():
            self.faults.add(call.place, "dbgenerated() takes one string, the expression", hint='dbgenerated("...")')
            return Default()
        if self.foreign:
            self.notes.add(f"the default {value.value!r} is SQL of another database and is ignored", where)
            return Default(function="dbgenerated")
        text = f"({value.value})" if self.dialect == "sqlite" else value.value
        return Default(server=raw_sql(text), function="dbgenerated")

    def _sequence(self, call: Call) -> dict[str, int]:
        options: dict[str, int] = {}
        for argument in call.arguments:
            if argument.name not in _SEQUENCE:
                self.faults.unknown(argument.place, "option of sequence()", argument.name or "?", _SEQUENCE)
            elif isinstance(argument.value, NumberLiteral) and _INTEGER.fullmatch(argument.value.text):
                key = _SEQUENCE[argument.name]
                options |= {key: int(argument.value.text)} if key else {}
            elif argument.name != "virtual":
                self.faults.add(argument.place, f"{argument.name} must be an integer")
        return options

    def _literal(self, field: FieldShape, value: Value, sql_type: str) -> str | sa.TextClause:
        if not field.many:
            if isinstance(value, Items):
                raise UnfitError(f"{field.name} is not a list, but its default is")
            return self._rendered(self._python(field, value))
        if not isinstance(value, Items):
            raise UnfitError(f"{field.name} is a list, so its default must be one: [...]")
        items = [self._python(field, item) for item in value.values]
        if self.dialect == "sqlite":
            return json.dumps([_plain(i) for i in items], ensure_ascii=False)
        inner = ",".join(self._sql(i) for i in items)
        return raw_sql(f"ARRAY[{inner}]::{sql_type}")

    def _rendered(self, value: Any) -> str | sa.TextClause:
        return value if isinstance(value, str) else raw_sql(self._sql(value))

    def _sql(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, bytes):
            return f"'\\x{value.hex()}'" if self.dialect == "postgresql" else f"X'{value.hex()}'"
        return quoted(value) if isinstance(value, str) else format(value, "f" if isinstance(value, Decimal) else "")

    def _python(self, field: FieldShape, value: Value) -> Any:
        """Return a literal as a Python value. :raises UnfitError: if it does not fit the field."""
        if field.enum is not None:
            return _label(field, value)
        if field.scalar is None:
            raise UnfitError(f'{field.name} accepts only dbgenerated("...")')
        if field.scalar == "DateTime":
            given: Any = _moment(value, self.dialect)
        else:
            given = _READERS[field.scalar](value, field)
        if given is None:
            raise UnfitError(f"the default of {field.name} does not fit {field.scalar}: {_shown(value)}")
        return given


def _label(field: FieldShape, value: Value) -> str:
    assert field.enum is not None
    if isinstance(value, Name) and value.path in {*field.enum.labels, *field.enum.lost}:
        return field.enum.labels.get(value.path, value.path)
    raise UnfitError(f"{_shown(value)} is not a value of the enum {field.enum.name}")


def _boolean(value: Value, _: FieldShape) -> bool | None:
    return {"true": True, "false": False}.get(value.path) if isinstance(value, Name) else None


def _whole(value: Value, field: FieldShape) -> int | None:
    if not isinstance(value, NumberLiteral) or not _INTEGER.fullmatch(value.text):
        return None
    number, limit = int(value.text), _RANGES[field.scalar or "Int"]
    return number if -limit <= number < limit else None


def _decimal(value: Value, _: FieldShape) -> Decimal | None:
    text = value.text if isinstance(value, NumberLiteral) else value.value if isinstance(value, Text) else ""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _float(value: Value, field: FieldShape) -> Decimal | None:
    return _decimal(value, field) if isinstance(value, NumberLiteral) else None


def _text(value: Value, _: FieldShape) -> str | None:
    return value.value if isinstance(value, Text) else None


def _json(value: Value, _: FieldShape) -> str | None:
    if not isinstance(value, Text):
        return None
    try:
        json.loads(value.value)
    except (ValueError, RecursionError):
        return None
    return value.value


def _bytes(value: Value, _: FieldShape) -> bytes | None:
    try:
        return base64.b64decode(value.value, validate=True) if isinstance(value, Text) else None
    except (binascii.Error, ValueError):
        return None


def _moment(value: Value, dialect: Dialect) -> str | None:
    """Format a time with its offset as Prisma's engine does for PostgreSQL; for SQLite in UTC."""
    found = _TIME.fullmatch(value.value) if isinstance(value, Text) else None
    if found is None:
        return None
    day, fraction, offset = found["day"], found["fraction"], found["offset"].upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{day} {found['time']}{offset}")
        if dialect == "postgresql":
            return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {offset}"
        return f"{moment.astimezone(UTC).replace(tzinfo=None)}{fraction}"
    except (ValueError, OverflowError):
        return None


_READERS = {
    "String": _text,
    "Boolean": _boolean,
    "Int": _whole,
    "BigInt": _whole,
    "Float": _float,
    "Decimal": _decimal,
    "Json": _json,
    "Bytes": _bytes,
}


def _plain(value: Any) -> Any:
    """Return a value as JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value) if isinstance(value, Decimal) else value


def _shown(value: Value) -> str:
    if isinstance(value, Text):
        return json.dumps(value.value, ensure_ascii=False)
    if isinstance(value, NumberLiteral):
        return value.text
    if isinstance(value, Name | Call):
        return value.path if isinstance(value, Name) else f"{value.name}()"
    return "a list" if isinstance(value, Items) else "an object"


def labels_check(column: str, labels: Sequence[str]) -> str:
    """Return the CHECK condition that replaces an enum in SQLite."""
    name = identifier(column)
    return f"{name} IN ({', '.join(quoted(label) for label in labels)})"
