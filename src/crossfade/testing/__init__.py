"""Real servers without an installation, and ways to break connections to them, for tests, the demo and the bench.

    with mongodb() as url: ...        a MongoDB server (a replica set of one) from a wheel
    with replica_set() as found: ...  a replica set of three
    with postgresql() as url: ...     a PostgreSQL server from a wheel
    with Proxy(host, port) as proxy:  a TCP connection that can be cut, refused and restored

Nothing that was started outlives the process that asked for it, however that process ends.
Where CROSSFADE_TEST_MONGODB_URL or CROSSFADE_TEST_POSTGRESQL_URL is set, that server is used and nothing is started.
"""

from __future__ import annotations

from crossfade.testing.mongod import MONGODB_URL, launch_mongodb, mongodb, mongodb_reader
from crossfade.testing.postgres import POSTGRESQL_URL, launch_postgresql, postgresql, postgresql_login
from crossfade.testing.proxy import Proxy
from crossfade.testing.replica_set import ReplicaSet, replica_set
from crossfade.testing.servers import Running
from crossfade.testing.urls import as_user, through, with_database

__all__ = [
    "MONGODB_URL",
    "POSTGRESQL_URL",
    "Proxy",
    "ReplicaSet",
    "Running",
    "as_user",
    "launch_mongodb",
    "launch_postgresql",
    "mongodb",
    "mongodb_reader",
    "postgresql",
    "postgresql_login",
    "replica_set",
    "through",
    "with_database",
]
