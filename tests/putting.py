"""Puts over a source in memory: what the transform's parts make of documents, mappings and tables, without a store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from crossfade.mapping.invert.derive import derive
from crossfade.mapping.invert.selects import placed
from crossfade.model.inverse import PLACE, Inverse
from crossfade.model.target import TargetTable
from crossfade.project import Discard
from crossfade.records.bson.codec import BSON
from crossfade.records.edit import Editor
from crossfade.transform.inverse import InverseRunner, prepare
from crossfade.transform.numbered import Numbered
from crossfade.transform.put import Put, Putter
from mapping_world import ENGINE, World


class PutWorld:
    """An entity of a world, with its mappings and their inverse (derived, unless `sql` is given)."""

    def __init__(
        self,
        world: World,
        entity: str,
        mappings: Mapping[str, str],
        tables: Mapping[str, TargetTable],
        discards: Sequence[Discard] = (),
        sql: str | None = None,
        lost: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        program = world.program(mappings, discards)
        self.inverse: Inverse = derive(entity, mappings, program, world.shapes, tables, lost)
        text = sql or self.inverse.sql
        assert text is not None, self.inverse.why
        with_places = world.program(placed(mappings, world.shapes), discards)
        self.transformer = world.carrier(with_places, entity, tables)
        shape, columns = world.shapes[entity], with_places.feeds[entity].columns
        reader = BSON.reader(shape, columns)
        fed = {name: tables[name] for name in self.inverse.tables}
        self.runner = runner = InverseRunner(prepare(text, f"inverse/{entity}.sql", fed, ENGINE), ENGINE)
        self.read = reader.read
        editor = BSON.editor(shape)
        assert editor is not None
        self.editor: Editor = editor
        self.putter = Putter(self.transformer, runner, editor, reader.read, BSON.key, apart=lost)

    def forward(self, raws: Sequence[bytes]) -> dict[str, Numbered]:
        """The rows that the mapping makes of records, as the target would hold them."""
        rows: dict[str, Numbered] = {}
        for part in self.transformer.map(self.read(b"".join(raws))).tables:
            held = part.rows.drop_columns([PLACE]) if PLACE in part.rows.column_names else part.rows
            own = Numbered(part.table, held, part.roots.to_pylist())
            rows[part.table.name] = rows[part.table.name].joined(own) if part.table.name in rows else own
        return rows

    def put(self, old: Sequence[bytes | None], rows: Mapping[str, Numbered], **how: Any) -> Put:
        return self.putter.put(old, rows, **how)


def changed(rows: Numbered, place: int, **values: Any) -> Numbered:
    """The rows with other (canonical) values in one of them."""
    table = rows.rows
    for name, value in values.items():
        column = table.column(name)
        held = column.to_pylist()
        held[place] = value
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(held, column.type))
    return Numbered(rows.table, table, rows.numbers)
