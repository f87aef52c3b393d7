"""`check` names everything that crosses the border of a group; [groups] itself is checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from checking import WORLD, column, table
from crossfade.assess.groups import crossings
from crossfade.errors import Misused
from crossfade.model.references import Reference
from crossfade.model.target import ForeignKey, TargetSchema, TargetTable
from crossfade.project import Project, Settings, SourceSection, TargetSection

ONE = {"a": "SELECT x._id AS id, x.n AS v FROM e AS x", "b": "SELECT y._id AS id FROM f AS y"}
TABLES = (table("a", column("id"), column("v")), table("b", column("id")))


def settings(**groups: tuple[str, ...]) -> Settings:
    target = TargetSection.model_validate({"url": "postgresql://there/new", "schema": "live"})
    return Settings(source=SourceSection(url="mongodb://here/old"), target=target, groups=groups)


def found(
    mappings: Mapping[str, str] = ONE,
    *tables: TargetTable,
    refers: Reference | None = None,
    rules: Mapping[str, str] | None = None,
    inverses: Mapping[str, str] | None = None,
    **groups: tuple[str, ...],
) -> list[tuple[str, str]]:
    shapes = dict(WORLD.shapes)
    if refers is not None:
        shapes["e"] = replace(shapes["e"], references=(refers,))
    schema = TargetSchema("postgresql", tables or TABLES, (), (), MetaData, "")
    program = WORLD.program(mappings)
    return [
        (one.place, one.message)
        for one in crossings(
            settings(**groups or {"one": ("e",)}), program, shapes, schema, rules or {}, inverses or {}
        )
    ]


def test_groups_that_share_nothing() -> None:
    assert found() == []
    assert found(one=("e",), two=("f",)) == []


def test_a_lookup() -> None:
    looks = {**ONE, "a": "SELECT x._id AS id, y.s AS v FROM e AS x LEFT JOIN f AS y ON y._id = x.n"}
    said = "the mapping of a looks up f: e is in the group one, f in rest"
    assert found(looks) == [("mapping/a.sql", said)]
    assert found(looks, one=("e", "f")) == []


def test_a_shared_table() -> None:
    both = {"a": f"{ONE['a']} UNION ALL SELECT y._id + 100 AS id, 1 AS v FROM f AS y"}
    assert found(both) == [("a", "e and f fill the same table: e is in the group one, f in rest")]


@pytest.mark.parametrize("way", [("a", "b"), ("b", "a")])
def test_a_foreign_key_of_the_target(way: tuple[str, str]) -> None:
    child, parent = way
    key = ForeignKey("of_it", ("id",), parent, ("id",))
    tables = [replace(t, foreign_keys=(key,)) if t.name == child else t for t in TABLES]
    ((place, said),) = found(ONE, *tables)
    assert place == child
    assert said.startswith(f"the foreign key of_it refers to {parent}: ")
    assert found(ONE, *tables, one=("e", "f")) == []


def test_a_reference_of_the_source() -> None:
    declared = Reference(("n",), "f", ("_id",))
    assert found(refers=declared) == [
        ("e", "the source declares n -> f (_id): e is in the group one, f in rest"),
    ]
    assert found(refers=replace(declared, declared=False)) == []


def test_a_rule_and_an_inverse_that_read_both() -> None:
    rules = {"sums": "SELECT a.id FROM a JOIN public.b AS t ON t.id = a.id JOIN b ON true", "own": "SELECT id FROM a"}
    said = "it reads tables of e and of f: e is in the group one, f in rest"
    assert found(rules=rules) == [("rules/sums.sql", said)]
    assert found(rules={"odd": "SELECT FROM a WHERE ((( b"}) == [("rules/odd.sql", said)]  # sqlglot cannot read it
    assert found(inverses={"e": "SELECT a.id AS _id, b.id AS n FROM a JOIN b ON b.id = a.id"}) == [
        ("inverse/e.sql", said)
    ]
    assert found(inverses={"e": "SELECT a.id AS _id FROM a"}) == []


def test_an_entity_that_nobody_knows() -> None:
    ((place, said),) = found(one=("e", "g"))
    assert (place, said) == ("g", "the group one names g, which is not in source.lock.json")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"one": ("e",), "two": ("e",)}, "e is in the groups one and two"),
        ({"rest": ("e",)}, "the name of a group"),
        ({"One": ("e",)}, "the name of a group"),
        ({"one": ()}, "the group one has no entities"),
    ],
)
def test_groups_that_are_refused(groups: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(**groups)


def test_the_project_of_a_group() -> None:
    project = Project(root=Path("shop"), settings=settings(one=("e",)))
    assert project.group_names == ("one", "rest")
    one, rest = project.of_group("one"), project.of_group("rest")
    assert [p.has_entity("e") for p in (project, one, rest)] == [True, True, False]
    assert (project.name, one.name, rest.name) == ("shop", "shop/one", "shop/rest")
    with pytest.raises(Misused, match="no group 'two'"):
        project.of_group("two")
