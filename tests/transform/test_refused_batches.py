"""A batch of which much is refused: the result is the same with one pass over it and without."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.project import Discard
from crossfade.transform.engine import Engine
from crossfade.transform.one_pass import OnePass
from mapping_world import World, python_rows

INT, TEXT = ColumnType("int8", "int8"), ColumnType("text", "text")
COLUMNS = {"id": INT, "n": INT, "v": INT, "w": TEXT}
TABLES = {"t": TargetTable("t", None, "t", tuple(TargetColumn(n, kind) for n, kind in COLUMNS.items()), ("id",))}
DISCARD = Discard(reason="test data", entity="people", alias="p", where="parse_int(p.c) > 5")

FORESEEN = {
    "outputs": "parse_int(p.a) AS n, parse_int(p.b) AS v FROM people p",
    "where": "parse_int(p.a) AS n FROM people p WHERE parse_int(p.b) > 1",
    "where a guard holds": "p.boss AS n FROM people p WHERE bson_type(p.a) = 'string' AND parse_int(p.a) > 1",
    "elements": """t.n AS n, parse_int(t.x) AS v, as_text(parse_int(p.a)) AS w
        FROM people p, unnest(p.tags) WITH ORDINALITY AS t(x, n)""",
    "elements of a list that is made": """t.x AS v
        FROM people p, unnest(list_transform(p.tags, lambda y: parse_int(y))) AS t(x)""",
    "elements that a list keeps": """parse_int(t.x) AS v
        FROM people p, unnest(list_filter(p.tags, lambda y: parse_int(y) > 1)) AS t(x) WHERE parse_int(t.x) < 9""",
    "a lookup by what is refused": """b.must AS w, parse_int(b.must) AS v
        FROM people p LEFT JOIN bosses b ON b._id = parse_int(p.a)""",
    "a lookup by another field": "b.must AS w FROM people p LEFT JOIN bosses b ON b.of = p.boss",
    "a lookup through another": """b.must AS w, c.of AS v
        FROM people p LEFT JOIN bosses b ON b._id = p.boss LEFT JOIN bosses c ON c._id = parse_int(b.must)""",
    "groups": """CAST(sum(parse_int(b.must)) AS BIGINT) AS v, parse_int(p.a) AS n
        FROM people p LEFT JOIN bosses b ON b.of = p._id GROUP BY p._id""",
    "arithmetic": """p.boss * CASE WHEN p.a = 'x' THEN 9223372036854775807 ELSE 1 END AS n, parse_int(p.b) AS v
        FROM people p""",
    "functions of the engine": """CAST(floor(sqrt(p.boss - 3)) AS BIGINT) AS n, p.boss // (p.boss - 5) AS v
        FROM people p""",
    "functions of the engine in groups": """CAST(sum(floor(sqrt(b.of - 3))) AS BIGINT) AS v
        FROM people p LEFT JOIN bosses b ON b.of = p.boss GROUP BY p._id""",
    "functions of the engine in a condition": "p.boss AS n FROM people p WHERE sqrt(p.boss - 3) < 9",
    "text that is read as JSON": "json_extract_string(p.a, '$.x') AS w FROM people p",
    "a nested select": "(SELECT max(parse_int(t.x)) FROM unnest(p.tags) AS t(x)) AS v FROM people p",
    "a nested select of some elements": """(SELECT list(CAST(t.x AS INTEGER) ORDER BY t.n)[1]
        FROM unnest(p.tags) WITH ORDINALITY AS t(x, n) WHERE t.x <> 'y z') AS v FROM people p""",
    "a fold": """list_reduce(list_append(list_transform(p.tags, lambda y: parse_int(y)), 1),
                             lambda a, b: greatest(a, b)) AS v FROM people p""",
    "two branches": """parse_int(p.a) AS v FROM people p
        UNION ALL SELECT p._id AS id, parse_int(p.b) AS v FROM people p WHERE p.boss IS NOT NULL""",
}
UNFORESEEN = {
    "a fold of nothing": """list_reduce(list_transform(p.tags, lambda y: parse_int(y)), lambda a, b: a + b) AS v
        FROM people p""",
    "several conditions": "p.boss AS n FROM people p WHERE p._id > 2 AND parse_int(p.a) > 1 AND parse_int(p.b) < 9",
    "on": "b.must AS w FROM people p LEFT JOIN bosses b ON b._id = p.boss AND parse_int(b.must) > 1",
    "on of elements": """t.n AS n, t.x AS w
        FROM people p LEFT JOIN unnest(p.tags) WITH ORDINALITY AS t(x, n) ON parse_int(t.x) > 1""",
    "having": """count(*) AS v
        FROM people p LEFT JOIN bosses b ON b.of = p._id GROUP BY p._id
        HAVING coalesce(max(parse_int(b.must)), 5) > 1""",
    "a condition of a nested select": """(SELECT max(t.x) FROM unnest(p.tags) AS t(x) WHERE parse_int(t.x) > 1) AS w
        FROM people p""",
}


def people(count: int, seed: int) -> dict[str, list[dict[str, Any]]]:
    draw = random.Random(seed)

    def text() -> Any:
        return draw.choice(["1", "2", "3", "10", "11", "7", "x", "y z", None])

    docs = [
        {"_id": i, "a": text(), "b": text(), "c": text(), "tags": [text() for _ in range(draw.randrange(3))]}
        | {"boss": draw.choice([None, *range(8)])}
        for i in range(count)
    ]
    bosses = [{"_id": i, "must": text(), "of": draw.randrange(8)} for i in range(7)]
    return {"people": docs, "bosses": bosses}


def world(count: int, seed: int = 1) -> World:
    """Of the bosses two have changed since the survey: who looks them up is set aside."""
    found = people(count, seed)
    drifted = [b if b["_id"] not in (2, 3) else {**b, "must": 2.5} for b in found["bosses"]]
    return World({**found, "bosses": drifted}, survey={**found, "people": [*found["people"], *people(40, 0)["people"]]})


def mapped(select: str, count: int) -> Any:
    made = world(count)
    program = made.program({"t": f"SELECT p._id AS id, {select}"}, [DISCARD])
    result = made.carrier(program, "people", TABLES).map(made.batch(program, "people"))
    rows = [
        (root, *row.values())
        for part in result.tables
        for root, row in zip(part.roots.to_pylist(), python_rows(part.rows), strict=True)
    ]
    return sorted(rows, key=str), result.discarded, result.rejections


@pytest.mark.parametrize("select", [*FORESEEN.values(), *UNFORESEEN.values()], ids=[*FORESEEN, *UNFORESEEN])
def test_one_pass_changes_nothing(select: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, discarded, rejections = mapped(select, 30)
    assert rows
    assert rejections
    monkeypatch.setattr(OnePass, "look", lambda *_: {})
    assert mapped(select, 30) == (rows, discarded, rejections)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    asked: list[str] = []
    run = Engine.run

    def counting(engine: Engine, sql: str, tables: Any) -> Any:
        asked.append(sql)
        return run(engine, sql, tables)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "run", counting)
        yield asked


@pytest.mark.parametrize("select", FORESEEN.values(), ids=FORESEEN)
def test_the_number_of_queries_does_not_grow_with_the_refused(select: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as few:
        _, _, rejections = mapped(select, 20)
    with counted(monkeypatch) as many:
        _, _, more_rejections = mapped(select, 200)
    assert len(more_rejections) > 5 * len(rejections) > 0
    assert len(many) <= len(few) + 4
