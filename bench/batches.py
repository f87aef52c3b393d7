"""What readers read, and what ours are asked for: `batches.py FOLDER PROJECT ENTITY SCALE` writes it.

    FOLDER/00000.bson    raw documents one after another, as a reply of the server holds them: 5,000, at most 16 MB
    FOLDER/asked.pickle  their shape, and the columns: those of the bench project's mapping; for reports, these here

Prints how many documents and bytes there are.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import data
from crossfade.mapping.language.compile import compile_program, read_mappings
from crossfade.model.batch import Column
from crossfade.model.shape import Shape
from crossfade.records.bson.count import Histogram

PROJECTS = Path(__file__).parent / "projects"
DOCUMENTS, BYTES = 5000, 16 << 20
# So much of a collection that the slowest of them needs no more than some seconds.
SHARE = {"writingsessions": 0.2, "users": 0.5, "reports": 1.0}
REPORT_COLUMNS = (
    Column("_id", ("_id",)),
    Column("title", ("title",)),
    Column(
        "pages",
        ("pages",),
        "list",
        (
            *(Column(name, (name,)) for name in ("number", "text", "score", "at")),
            Column("by", ("by", "id")),
            Column("tags", ("tags",), "json"),
        ),
    ),
)


def batches(documents: Iterator[bytes]) -> Iterator[bytes]:
    """The documents in batches as a server sends them."""
    held: list[bytes] = []
    size = 0
    for document in documents:
        if held and (len(held) == DOCUMENTS or size + len(document) > BYTES):
            yield b"".join(held)
            held, size = [], 0
        held.append(document)
        size += len(document)
    yield b"".join(held)


def columns(project: str, shape: Shape) -> tuple[Column, ...]:
    """What a copy asks the reader for."""
    folder = PROJECTS / project / "mapping"
    if not folder.exists():
        return REPORT_COLUMNS
    return tuple(compile_program(read_mappings(folder), {shape.entity: shape}).feeds[shape.entity].columns)


def write(folder: Path, project: str, entity: str, scale: float) -> Histogram:
    folder.mkdir(parents=True)
    counted = Histogram()
    for number, batch in enumerate(batches(data.documents(entity, scale * SHARE[entity]))):
        (folder / f"{number:05d}.bson").write_bytes(batch)
        counted.add(batch)
    shape = counted.to_shape(entity)
    (folder / "asked.pickle").write_bytes(pickle.dumps((shape, columns(project, shape))))
    return counted


if __name__ == "__main__":
    written = write(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
    print(json.dumps({"documents": written.count, "bytes": written.bytes}))
