"""An empty collection does not stop a move: nothing is known about its documents, and none can be lost."""

from __future__ import annotations

from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.columns import compile_columns
from mapping_world import ENGINE, World


def test_a_mapping_of_an_empty_collection_compiles_and_gives_no_rows() -> None:
    world = World({"drafts": [], "users": [{"_id": 1}]})
    text = """
    SELECT uuid_of(d._id, i.n) AS id, as_int(i.item.size) AS size, json_of(d.meta.more) AS more, u._id AS owner
    FROM drafts AS d LEFT JOIN users AS u ON u._id = as_int(d.owner), unnest(d.items) WITH ORDINALITY AS i(item, n)
    """
    program = world.program(text)
    (branch,) = program.branches
    tables = {ROOT_TABLE: compile_columns(world.shapes["drafts"], program.feeds["drafts"].columns).read(b"").table}
    for lookup in branch.lookups:
        tables[lookup.table] = compile_columns(world.shapes[lookup.entity], lookup.columns).read(b"").table
    assert ENGINE.run(branch.sql, tables).num_rows == 0
