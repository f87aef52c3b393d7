"""The BSON corpus of the drivers' specifications: every valid value survives, every broken document says why."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crossfade.model.rejection import Rejected
from crossfade.records.bson.decode import decode
from crossfade.records.bson.ejson import canonical, loads, to_bson
from crossfade.records.bson.walk import walk


@cache
def corpus() -> list[tuple[str, dict[str, Any]]]:
    beside = Path(__file__).parents[3] / "shared" / "samples" / "bson-corpus"
    folder = Path(os.environ.get("BSON_CORPUS", beside))
    files = sorted(folder.glob("**/bson_corpus/*.json")) or sorted(folder.glob("*.json"))
    return [(file.stem, json.loads(file.read_text())) for file in files]


def cases(part: str, needs: str) -> list[Any]:
    found = [
        pytest.param(case, id=f"{stem}: {case['description']}")
        for stem, content in corpus()
        for case in content.get(part, ())
        if needs in case
    ]
    reason = "no BSON corpus: set BSON_CORPUS to its folder"
    return found or [pytest.param({}, marks=pytest.mark.skip(reason=reason))]


def same(one: str, other: str) -> bool:
    """Equal Extended JSON: doubles by their value, the options of a regular expression in any order."""
    return bool(_normal(json.loads(one)) == _normal(json.loads(other)))


def _normal(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_normal, value))
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$numberDouble"}:
        return {"$numberDouble": str(float(value["$numberDouble"]))}
    if value.keys() == {"pattern", "options"}:
        return value | {"options": "".join(sorted(value["options"]))}
    return {name: _normal(v) for name, v in value.items()}


@pytest.mark.parametrize("case", cases("valid", "canonical_bson"))
def test_a_valid_document_survives(case: dict[str, Any]) -> None:
    raw = bytes.fromhex(case["canonical_bson"])
    (doc,) = decode(raw).docs
    assert to_bson(doc) == raw
    assert to_bson(walk(raw)) == raw
    assert canonical(walk(raw)) == canonical(doc)
    assert same(canonical(doc), case["canonical_extjson"])


@pytest.mark.parametrize("case", cases("valid", "canonical_extjson"))
def test_its_text_reads_back(case: dict[str, Any]) -> None:
    doc = loads(case["canonical_extjson"])
    assert same(canonical(doc), case["canonical_extjson"])
    if not case.get("lossy"):
        assert to_bson(doc) == bytes.fromhex(case["canonical_bson"])


@pytest.mark.parametrize("case", cases("valid", "relaxed_extjson"))
def test_its_relaxed_text_reads_back(case: dict[str, Any]) -> None:
    text = case["canonical_extjson"]  # relaxed text does not say how wide a whole number is
    wide = re.sub(r'"\$numberLong"( ?: ?"-?[0-9]"})', r'"$numberInt"\1', text) if "$date" not in text else text
    assert same(canonical(loads(case["relaxed_extjson"])), wide)


@pytest.mark.parametrize("case", cases("valid", "degenerate_bson"))
def test_odd_bytes_that_are_allowed_are_read(case: dict[str, Any]) -> None:
    (doc,) = decode(bytes.fromhex(case["degenerate_bson"])).docs
    assert same(canonical(doc), case["canonical_extjson"])


@pytest.mark.parametrize("case", cases("decodeErrors", "bson"))
def test_a_broken_document_is_set_aside(case: dict[str, Any]) -> None:
    raw = bytes.fromhex(case["bson"])
    with pytest.raises(Rejected) as e:
        walk(raw)
    assert e.value.reason in ("broken", "invalid_utf8")
    decoded = decode(raw)
    assert decoded.rejected
    assert b"".join([*decoded.raws, *(b.raw for b in decoded.rejected)]) == raw
