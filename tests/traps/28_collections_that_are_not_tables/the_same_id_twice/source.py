from __future__ import annotations

from pathlib import Path

from bson import encode


def dump(folder: Path) -> Path:
    """As two shards would give it: the shard key is `region`, so nobody kept `_id` unique."""
    place = folder / "dump" / "shop"
    place.mkdir(parents=True)
    documents = [{"_id": 1, "region": "eu"}, {"_id": 2, "region": "eu"}, {"_id": 1, "region": "us"}]
    (place / "people.bson").write_bytes(b"".join(map(encode, documents)))
    return place
