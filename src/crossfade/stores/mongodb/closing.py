"""Close a client whose server may be gone: the driver looks for it for long, only to end its sessions there."""

from __future__ import annotations

from typing import Any

import pymongo
from pymongo import MongoClient

PATIENCE = 2.0


def close_client(client: MongoClient[dict[str, Any]]) -> None:
    """Close the client. Sessions of a server that does not answer in time end by themselves."""
    with pymongo.timeout(PATIENCE):
        client.close()
