"""A MongoDB database as a store: as a source it is only read.

Whatever the URL says, reads go to the primary with read concern "majority", because the copy is verified against what
it read: a secondary may be stale, and a `local` read may be rolled back. Only where the source is followed
(`changes.reading`), reads go to the member that the URL prefers, which waits until it has seen the floor.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from crossfade.errors import Misused
from crossfade.model.urls import hide_password
from crossfade.records.bson.codec import BSON
from crossfade.stores.contract import Store, Traits
from crossfade.stores.mongodb.changes import MongoChanges
from crossfade.stores.mongodb.closing import close_client
from crossfade.stores.mongodb.conflicts import MongoConflicts
from crossfade.stores.mongodb.ddl import MongoDdl
from crossfade.stores.mongodb.errors import CONNECTING, speaking
from crossfade.stores.mongodb.fence import MongoFence
from crossfade.stores.mongodb.inspect import MongoInspector
from crossfade.stores.mongodb.journal import PREFIX
from crossfade.stores.mongodb.load import MongoLoad
from crossfade.stores.mongodb.options import require_known
from crossfade.stores.mongodb.records import MongoRecordWriter
from crossfade.stores.mongodb.rows import MongoRowReader
from crossfade.stores.mongodb.sessions import MongoSessions
from crossfade.stores.mongodb.source import MongoReader
from crossfade.stores.mongodb.steps import MongoSteps
from crossfade.stores.mongodb.target import MongoWriter

SELECTION_TIMEOUT_MS = 5000


def open_mongodb(url: str, run: str = "") -> Store:
    """Open the database that the URL's path names.

    Raises Misused if the URL names none or is not valid, Unreachable if the server does not answer within five seconds
    (or the URL's own serverSelectionTimeoutMS) or refuses the login.
    """
    with speaking(url, CONNECTING):
        client = _client(url, run)
        try:
            db = _database(client, url)
            hello = client.admin.command("hello")  # the driver connects on first use; connect and log in now
        except BaseException:
            close_client(client)
            raise
    writer = MongoWriter(client, db, url)
    reader, records = MongoReader(db, url), MongoRecordWriter(client, db, url)

    def close() -> None:
        writer.close()
        records.close()
        close_client(client)

    return Store(
        scheme="mongodb",
        url=hide_password(url),
        traits=_traits("setName" in hello or hello.get("msg") == "isdbgrid"),
        inspector=MongoInspector(db, url),
        reader=reader,
        codec=BSON,
        writer=writer,
        row_reader=MongoRowReader(db, url),
        ddl=MongoDdl(db, url),
        steps=MongoSteps(db, url),
        conflicts=MongoConflicts(db, url),
        changes=MongoChanges(db, url, reader),
        fence=MongoFence(client, url),
        load=MongoLoad(db, url),
        sessions=MongoSessions(client, url),
        record_writer=records,
        closer=close,
    )


def _traits(has_transactions: bool) -> Traits:
    return Traits(
        journal_prefix=PREFIX,
        dialect="mongodb",
        transactional_ddl=False,
        has_transactions=has_transactions,
        # Two that change the same account of the journal conflict, and one of them would have to be repeated.
        parallel_apply=False,
        closes_server=True,
    )


def _client(url: str, run: str) -> MongoClient[dict[str, Any]]:
    require_known(url)
    said = url.lower()
    options: dict[str, Any] = {"server_selector": _one_router}
    if "serverselectiontimeoutms=" not in said:
        options["serverSelectionTimeoutMS"] = SELECTION_TIMEOUT_MS
    if "appname=" not in said:
        options["appname"] = f"crossfade-{run}" if run else "crossfade"
    with warnings.catch_warnings(record=True) as said_of_url:
        warnings.simplefilter("always")
        try:
            client: MongoClient[dict[str, Any]] = MongoClient(url, **options)
        except ValueError as error:  # raised for an invalid port, for one
            raise InvalidURI(str(error)) from error
        except OSError as error:  # a certificate's file that cannot be read
            raise ConfigurationError(f"{error.filename or 'TLS'}: {error.strerror or error}") from error
    # The driver ignores an option that it cannot parse: tls=yes would connect without TLS.
    for warning in said_of_url:
        if issubclass(warning.category, UserWarning) and "Unknown option" not in str(warning.message):
            client.close()
            raise ConfigurationError(str(warning.message))
    return client


def _one_router(servers: Sequence[Any]) -> Sequence[Any]:
    """Return one of several routers of a sharded cluster, always the same: only that knows the cursor of a stream."""
    routers = [server for server in servers if server.server_type_name == "Mongos"]
    return sorted(routers, key=lambda server: server.address)[:1] or servers


def _database(client: MongoClient[dict[str, Any]], url: str) -> Database[dict[str, Any]]:
    try:
        return client.get_default_database(read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY)
    except ConfigurationError:
        raise Misused(
            f"the URL names no database: {hide_password(url)}",
            hint="put its name after the host: mongodb://localhost:27017/mydatabase",
        ) from None
