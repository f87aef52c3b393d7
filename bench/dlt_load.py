"""dlt: documents out of pymongo, nested as they are, into PostgreSQL. Runs in the tools' environment, not in ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import dlt  # type: ignore[import-not-found, unused-ignore]
from bson import ObjectId

from child import DOCUMENTS, SOURCE, TARGET, collection, report


def plain(value: Any) -> Any:
    """dlt takes no ObjectId."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, ObjectId) else value


def documents() -> Iterator[list[dict[str, Any]]]:
    batch = []
    for document in collection().find(limit=DOCUMENTS):
        batch.append(plain(document))
        if len(batch) == 5000:
            yield batch
            batch = []
    yield batch


def work() -> int:
    url = TARGET.replace("postgres@", "postgres:none@", 1) if "postgres@" in TARGET else TARGET  # it insists on one
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(url),
        dataset_name="dlt_rows",
        pipelines_dir=os.environ["BENCH_WORK"],
    )
    pipeline.run(dlt.resource(documents, name=SOURCE.entity, write_disposition="replace")())
    return DOCUMENTS


if __name__ == "__main__":
    report(work)
