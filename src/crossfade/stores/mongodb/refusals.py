"""Why a server refused documents, with the same reasons as other stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bson import CodecOptions, encode
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowRejected
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.fields import column_of

KEY_INDEX = "_id_"
DUPLICATE, INVALID = 11000, 121
REASONS = {
    **dict.fromkeys((DUPLICATE, 11001), "unique"),
    INVALID: "check",
    **dict.fromkeys((2, 52, 57, 171, 16755, 17280), "bad_value"),
    **dict.fromkeys((10334, 17419), "too_long"),
}
"""Codes of errors that are about a document."""
_AT_ONCE = 1000
_INVALID = "the document fails the validator of its collection"
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


def _rejection(
    table: TargetTable, row: int, reason: str, detail: str, column: str | None = None, constraint: str | None = None
) -> Rejection:
    return Rejection(row, reason, detail, table.name, column, constraint)


def key_of(raw: bytes) -> Any:
    return RawBSONDocument(raw)["_id"]


def of(
    db: Database[dict[str, Any]], table: TargetTable, raws: Sequence[bytes], error: OperationFailure, *, own: bool
) -> list[Rejection] | None:
    """Return the documents at fault; None if the error is about none of them.

    With `own`, a document that is on the server byte for byte is not at fault. In a transaction the server names only
    the first one: the others whose keys exist, or that the validator refuses, are queried.
    """
    errors = error.details.get("writeErrors", []) if isinstance(error, BulkWriteError) and error.details else []
    if not errors or any(e["code"] not in REASONS for e in errors):
        return None
    found = {e["index"]: _refused(table, e["index"], e) for e in errors}
    if own:
        again = _again(raws)
        key_exists = [row for row, refused in found.items() if refused.constraint == KEY_INDEX and row not in again]
        same = _same(db, table, raws, key_exists)
        return [found[row] for row in sorted(found) if row not in same]
    codes = {e["code"] for e in errors}
    if codes & {DUPLICATE, 11001}:
        key = column_of(table, "_id")
        for row in _existing(db, table, raws):
            found.setdefault(row, _rejection(table, row, "unique", _same_key(raws[row]), key, KEY_INDEX))
    if INVALID in codes:
        for row in _invalid(db, table, raws):
            found.setdefault(row, _rejection(table, row, "check", _INVALID, None, "validator"))
    return [found[row] for row in sorted(found)]


def of_updates(
    db: Database[dict[str, Any]],
    table: TargetTable,
    documents: Sequence[RawBSONDocument],
    error: PyMongoError,
    *,
    whole: bool,
) -> RowRejected | None:
    """Return the error of updates as a refusal with the documents at fault; None if it is about none of them.

    The server names the first one. If they are `whole`, all others that the validator refuses are queried.
    """
    errors = error.details.get("writeErrors", []) if isinstance(error, BulkWriteError) and error.details else []
    if not errors or errors[0]["code"] not in REASONS:
        return None
    first = _refused(table, errors[0]["index"], errors[0])
    found = {first.row: first}
    if whole and errors[0]["code"] == INVALID:
        for row in _invalid(db, table, [bytes(document.raw) for document in documents], strict=True):
            found.setdefault(row, _rejection(table, row, "check", _INVALID, None, "validator"))
    rows = [found[row] for row in sorted(found)]
    return RowRejected(
        first.reason, first.detail, table=table.name, column=first.column, constraint=first.constraint, rows=rows
    )


def said(error: OperationFailure) -> str:
    return str((error.details or {}).get("errmsg", error))


def _refused(table: TargetTable, row: int, error: dict[str, Any]) -> Rejection:
    if error["code"] == INVALID:
        details = error.get("errInfo", {}).get("details", {})
        columns = list(_properties(details))
        message = f"{_INVALID}: {_told(details)}"
        named = column_of(table, columns[0]) if len(columns) == 1 else None
        return _rejection(table, row, "check", message, named, "validator")
    if REASONS[error["code"]] != "unique":
        return _rejection(table, row, REASONS[error["code"]], error["errmsg"])
    pattern = list(error.get("keyPattern", {}))
    index = error["errmsg"].partition(" index: ")[2].partition(" ")[0] or None
    column = column_of(table, pattern[0]) if len(pattern) == 1 else None
    column = column if column is not None and table.column(column) is not None else None
    return _rejection(table, row, "unique", error["errmsg"], column, index)


def _properties(details: dict[str, Any]) -> Iterator[str]:
    for rule in details.get("schemaRulesNotSatisfied", []):
        yield from (p["propertyName"] for p in rule.get("propertiesNotSatisfied", []) if "propertyName" in p)
        yield from rule.get("missingProperties", [])


def _told(details: dict[str, Any]) -> str:
    columns = list(_properties(details))
    return f"{details.get('operatorName', 'expression')}" + (f" ({', '.join(columns)})" if columns else "")


def _same_key(raw: bytes) -> str:
    return f"the collection has a document with the same _id: {key_of(raw)!r}"


def _existing(db: Database[dict[str, Any]], table: TargetTable, raws: Sequence[bytes]) -> Iterator[int]:
    """Yield the documents whose key another one has: on the server, or before it."""
    collection, seen = collection_of(db, table.table), set[bytes]()
    for at in range(0, len(raws), _AT_ONCE):
        ids = [key_of(raw) for raw in raws[at : at + _AT_ONCE]]
        seen |= {_bytes(d["_id"]) for d in collection.find({"_id": {"$in": ids}}, {"_id": 1})}
        for row, key in enumerate(ids, at):
            if (own := _bytes(key)) in seen:
                yield row
            seen.add(own)


def _again(raws: Sequence[bytes]) -> set[int]:
    """Return the documents with the key of an earlier one. They are refused even if their bytes are the same."""
    seen, again = set[bytes](), set[int]()
    for row, raw in enumerate(raws):
        key = _bytes(key_of(raw))
        if key in seen:
            again.add(row)
        seen.add(key)
    return again


def _bytes(key: Any) -> bytes:
    return encode({"k": key})


def _invalid(
    db: Database[dict[str, Any]], table: TargetTable, raws: Sequence[bytes], *, strict: bool = False
) -> Iterator[int]:
    """Yield the documents that the validator refuses.

    With `strict`, none if it accepts some of them nevertheless, because they were invalid before (validationLevel).
    """
    options = next(iter(db.list_collections(filter={"name": table.table})), {}).get("options", {})
    validator = options.get("validator")
    if not validator or (strict and options.get("validationLevel", "strict") != "strict"):
        return
    yield from matching(db, raws, {"$nor": [validator]}) or ()


def matching(db: Database[dict[str, Any]], raws: Sequence[bytes], query: Mapping[str, Any]) -> set[int] | None:
    """Return which of these documents, which need not be stored, fit a query; None if the server cannot tell (before
    5.1).
    """
    found = set[int]()
    for some in _with_distinct_keys(raws):
        steps: list[dict[str, Any]] = [
            {"$documents": {"$literal": [RawBSONDocument(raws[row]) for row in some.values()]}},
            {"$match": query},
            {"$project": {"_id": 1}},  # and no number as another field, which a validator may forbid
        ]
        try:
            found |= {some[_bytes(one["_id"])] for one in db.with_options(_RAW).aggregate(steps)}
        except OperationFailure:
            return None
    return found


def _with_distinct_keys(raws: Sequence[bytes]) -> Iterator[dict[bytes, int]]:
    """Yield key -> row, in portions: rows with the same key are in different ones."""
    portions: list[dict[bytes, int]] = []
    last: dict[bytes, int] = {}
    for row, raw in enumerate(raws):
        key = _bytes(key_of(raw))
        last[key] = number = last.get(key, -1) + 1
        if number == len(portions):
            portions.append({})
        portions[number][key] = row
    for portion in portions:
        rows = list(portion.items())
        yield from (dict(rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE))


def _same(db: Database[dict[str, Any]], table: TargetTable, raws: Sequence[bytes], rows: Sequence[int]) -> set[int]:
    collection = collection_of(db, table.table)
    found: set[int] = set()
    for at in range(0, len(rows), _AT_ONCE):
        some = rows[at : at + _AT_ONCE]
        ids = [key_of(raws[row]) for row in some]
        there = {bytes(d.raw) for d in collection.with_options(_RAW).find({"_id": {"$in": ids}})}
        found |= {row for row in some if raws[row] in there}
    return found
