"""Files of mongoexport."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from bson import ObjectId
from dumps import DOCUMENTS, OID, as_lines, entities, read_all, scanned

from crossfade.errors import Damaged, Misused
from crossfade.model.rejection import Rejection
from crossfade.records.bson.decode import decode
from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.walk import walk
from crossfade.stores.dump.ejson import document_to_bson
from crossfade.stores.dump.exported import ExportReader
from crossfade.stores.dump.store import open_dump

LINES = as_lines(DOCUMENTS)
PRETTY = [json.dumps(json.loads(line), indent=2, ensure_ascii=False) for line in LINES]

LAYOUTS = {
    "lines": "\n".join(LINES) + "\n",
    "lines without the last end": "\n".join(LINES),
    "windows lines": "\r\n".join(LINES) + "\r\n",
    "blank lines and commas": ",\n\n \n".join(LINES) + ",\n",
    "pretty, one after another": "\n".join(PRETTY),
    "all on one line": " ".join(LINES),
    "array": "[" + ",".join(LINES) + "]",
    "array of lines": "[" + ",\n".join(LINES) + "]\n",
    "pretty array": json.dumps([json.loads(line) for line in LINES], indent=4),
    "array with a comma too many": "[\n" + ",\n".join(LINES) + ",\n]\n",
    "indented documents": "\n".join("   " + line for line in LINES),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_every_type_in_every_layout(tmp_path: Path, layout: str, bom: str) -> None:
    path = tmp_path / "all.json"
    path.write_bytes((bom + LAYOUTS[layout]).encode())
    assert as_lines(read_all(path, "all")) == LINES


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_blocks_may_end_anywhere(layout: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossfade.stores.dump.exported._BLOCK", size)
    data = LAYOUTS[layout].encode()
    at = 0

    def read(_: int = -1) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    found = list(ExportReader(read, "x", lambda text: text.encode()).documents())
    assert [json.loads(text) for text in found if isinstance(text, bytes)] == [json.loads(line) for line in LINES]


def test_compressed(tmp_path: Path) -> None:
    path = tmp_path / "all.json.gz"
    path.write_bytes(gzip.compress("\n".join(LINES).encode()))
    assert as_lines(read_all(path, "all")) == LINES


V1 = """{"_id": {"$oid": "55a0f1d420a4d760b5fbdbd6"}, "at": {"$date": "2009-04-01T00:00:00.000-0700"},
 "ms": {"$date": 5},
 "bin": {"$binary": "AAE=", "$type": "00"}, "re": {"$regex": "^a", "$options": "i"}, "n": {"$numberLong": "5"},
 "u": {"$undefined": true}, "r": {"$ref": "c", "$id": 1}, "i": 1, "l": 4294967296, "d": 1.5}"""


def test_version_1(tmp_path: Path) -> None:
    path = tmp_path / "v1.json"
    path.write_text(V1)
    (found,) = read_all(path, "v1")
    assert canonical(walk(found)) == (
        '{"_id":{"$oid":"55a0f1d420a4d760b5fbdbd6"},"at":{"$date":{"$numberLong":"1238569200000"}},'
        '"ms":{"$date":{"$numberLong":"5"}},"bin":{"$binary":{"base64":"AAE=","subType":"00"}},'
        '"re":{"$regularExpression":{"pattern":"^a","options":"i"}},"n":{"$numberLong":"5"},"u":{"$undefined":true},'
        '"r":{"$ref":"c","$id":{"$numberInt":"1"}},"i":{"$numberInt":"1"},"l":{"$numberLong":"4294967296"},'
        '"d":{"$numberDouble":"1.5"}}'
    )


def test_a_stored_query_of_version_2_stays_an_object(tmp_path: Path) -> None:
    path = tmp_path / "v2.json"
    path.write_text('{"_id": {"$numberInt": "1"}, "q": {"$regex": "^a", "$options": "i"}}')
    (found,) = read_all(path, "v2")
    assert walk(found)["q"] == {"$regex": "^a", "$options": "i"}


def broken_in(text: bytes) -> tuple[list[bytes], list[Rejection]]:
    pieces = iter([text, b""])
    found = list(ExportReader(lambda size: next(pieces), "x.json", lambda text: text.encode()).documents())
    return [f for f in found if isinstance(f, bytes)], [f for f in found if isinstance(f, Rejection)]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b'{"_id": 2, "a": tru}', "line 2: Expecting value"),
        (b'{"_id": 2, "a": ', "line 2: Expecting ',' delimiter, noticed in line 4"),
        (b'{"_id": 2, "a": "cut', "line 2: Invalid control character"),
        (b'{"_id": 2, "a": [1, 2', "line 2: Expecting ',' delimiter, noticed in line 3"),
        (b'{"_id": 2, "a": "\xff"}', "line 2: not UTF-8"),
        (b"17", "line 2: not a document: 17"),
        (b"# a remark", "line 2: Expecting value"),
        (b'{"_id": 2, "a": ' + b'{"b":' * 100_000, "line 2: nested too deep"),
    ],
)
def test_a_broken_line_is_one_piece_and_the_others_continue(line: bytes, detail: str) -> None:
    good, broken = broken_in(b'{"_id": 1}\n' + line + b'\n{"_id": 3}\n{"_id": 4}\n')
    assert good == [b'{"_id": 1}', b'{"_id": 3}', b'{"_id": 4}']
    assert [b.raw for b in broken] == [line]
    assert broken[0].detail.startswith(detail)


def test_a_cut_last_line() -> None:
    good, broken = broken_in(b'{"_id": 1}\n{"_id": 2, "a": "b')
    assert (good, [b.raw for b in broken]) == ([b'{"_id": 1}'], [b'{"_id": 2, "a": "b'])


def test_a_broken_pretty_document_ends_where_the_next_begins() -> None:
    good, broken = broken_in(b'{\n  "_id": 1\n}\n{\n  "_id": 2,\n  "a": {\n    "b": 1\n{\n  "_id": 3\n}\n')
    assert good == [b'{\n  "_id": 1\n}', b'{\n  "_id": 3\n}']
    assert [b.raw for b in broken] == [b'{\n  "_id": 2,\n  "a": {\n    "b": 1']


def test_a_broken_array_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"_id": 1},\n{"_id": 2, "a": },\n{"_id": 3}]')
    with open_dump(path) as store, pytest.raises(Damaged, match=r"a\.json:2: document 2 of the array"):
        scanned(store, "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"_id": 1}', "the array is not closed after 1 document"),
        ('[{"_id": 1}] {"_id": 2}', "something follows the end"),
        ("a,b\n1,2\n", "is not a JSON export: line 1"),
    ],
)
def test_what_cannot_be_read_as_a_whole(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with open_dump(path) as store, pytest.raises(Damaged, match=message):
        scanned(store, "a")


@pytest.mark.parametrize(
    "value",
    ['ObjectId("55a0f1d420a4d760b5fbdbd6")', "NumberLong(1)", 'ISODate("2020-01-01")', "new Date(1)", "undefined"],
)
def test_the_shells_syntax_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"_id": 1}\n{"_id": 2,\n "a": ' + value + "}\n")
    with open_dump(path) as store, pytest.raises(Misused, match=r"a\.json:3: this is the shell's syntax"):
        scanned(store, "a")


def test_utf_16_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"_id": 1}', encoding="utf-16")
    with open_dump(path) as store, pytest.raises(Misused, match="is UTF-16"):
        scanned(store, "a")


@pytest.mark.parametrize("tail", ['"a": 1, "a": {"$numberLong": "2"}', '"b": [{"c": 1, "d": [], "c": null}]'])
def test_equal_names_are_kept_and_found_out(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"_id": {"$oid": "55a0f1d420a4d760b5fbdbd6"}, ' + tail + '}\n{"_id": 2}\n')
    with open_dump(path) as store:
        assert store.reader is not None
        (run,) = store.reader.scan("a")
    found = decode(run)
    assert found.docs == [{"_id": 2}]
    assert [(b.reason, b.key, b.row) for b in found.rejected] == [("duplicate_key", canonical(OID), 0)]


def test_documents_without_id_and_equal_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}\n{"_id": 5}\n{"_id": 5}\n{"a": 1}\n')
    found = [walk(document) for document in read_all(path, "a")]
    assert found == [{"_id": {"#position": 0}, "a": 1}, {"_id": 5}, {"_id": 5}, {"_id": {"#position": 3}, "a": 1}]


def test_a_folder_of_exports(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"_id": 1}')
    (tmp_path / "two.jsonl").write_text('{"_id": 1}\n{"_id": 2}')
    (tmp_path / "README.md").write_text("hello")
    with open_dump(tmp_path) as store:
        found = entities(store)
    assert {name: (info.count, info.copied) for name, info in found.items()} == {
        "one": (1, True),
        "two": (2, True),
        "README.md": (0, False),
    }


def test_an_empty_export_holds_nothing(tmp_path: Path) -> None:
    for name, text in {"nothing": "", "blank": "\n \n", "array": "[]"}.items():
        (tmp_path / f"{name}.json").write_text(text)
        assert read_all(tmp_path / f"{name}.json", name) == []


SAMPLES = Path(os.environ.get("MONGODB_JSON_SAMPLES") or Path(__file__).parents[3] / "shared/samples/mongodb-json")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no MONGODB_JSON_SAMPLES, and none beside the checkout")
def test_the_public_samples() -> None:
    with open_dump(SAMPLES) as store:
        for name, info in entities(store).items():
            if info.copied:
                lines = [line for line in (SAMPLES / f"{name}.json").read_text().splitlines() if line.strip()]
                found = scanned(store, name)
                assert len(found) == len(lines) == info.count
                whole = decode(b"".join(found))
                assert not whole.rejected
                assert [list(document) for document in whole.docs] == [list(json.loads(line)) for line in lines]


def test_ids_of_exports_are_object_ids(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"_id":{"$oid":"55a0f1d420a4d760b5fbdbd6"}}')
    (found,) = read_all(tmp_path / "a.json", "a")
    assert type(walk(found)["_id"]) is ObjectId


def _exported(tmp_path: Path, *lines: str) -> list[bytes | Rejection]:
    path = tmp_path / "all.json"
    path.write_text("\n".join(lines))
    with path.open("rb") as file:
        return list(ExportReader(file.read, "all", document_to_bson).documents())


@pytest.mark.parametrize(
    "number",
    [
        *("12345678901234567890.123", "1e-400", "1e400", "12345678901234567891", "9" * 5000),
        '{"$numberDouble":"123456789.123456789"}',
    ],
    ids=lambda number: number[:30],
)
def test_a_number_that_would_be_rounded_is_a_broken_document(tmp_path: Path, number: str) -> None:
    once, twice = f'{{"_id":2,"n":[{number}]}}', f'{{"_id":4,"a":1,"a":{number}}}'
    found = _exported(tmp_path, '{"_id":1,"n":0.1}', once, twice, '{"_id":3,"n":1e22}')
    assert [one.raw.decode() for one in found if isinstance(one, Rejection)] == [once, twice]
    assert [walk(one)["n"] for one in found if isinstance(one, bytes)] == [0.1, 1e22]


@pytest.mark.parametrize(
    ("text", "double"),
    [
        ("0.10000000000000001", 0.1),
        ("1E+2", 100.0),
        ("4.9406564584124654e-324", 5e-324),
        ("0.0e99", 0.0),
        ("1.50", 1.5),
    ],
)
def test_digits_of_a_double_in_any_spelling(tmp_path: Path, text: str, double: float) -> None:
    (found,) = _exported(tmp_path, f'{{"_id":1,"n":{text}}}')
    assert isinstance(found, bytes)
    assert walk(found)["n"] == double
