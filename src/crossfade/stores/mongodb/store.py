"""A MongoDB database as a store: as a source it is only read.

Whatever the URL says, reads go to the primary with read concern "majority", because the copy is verified against what
it read: a secondary may be stale, and a `local` read may be rolled back.
"""

from __future__ import annotations

import warnings
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
from crossfade.stores.mongodb.conflicts import MongoConflicts
from crossfade.stores.mongodb.ddl import MongoDdl
from crossfade.stores.mongodb.errors import CONNECTING, speaking
from crossfade.stores.mongodb.inspect import MongoInspector
from crossfade.stores.mongodb.journal import PREFIX
from crossfade.stores.mongodb.options import require_known
from crossfade.stores.mongodb.rows import MongoRowReader
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
            client.admin.command("ping")  # the driver connects on first use; connect and log in now
        except BaseException:
            client.close()
            raise
    writer = MongoWriter(client, db, url)

    def close() -> None:
        writer.close()
        client.close()

    return Store(
        scheme="mongodb",
        url=hide_password(url),
        traits=Traits(journal_prefix=PREFIX, dialect="mongodb", transactional_ddl=False),
        inspector=MongoInspector(db, url),
        reader=MongoReader(db, url),
        codec=BSON,
        writer=writer,
        row_reader=MongoRowReader(db, url),
        ddl=MongoDdl(db, url),
        steps=MongoSteps(db, url),
        conflicts=MongoConflicts(db, url),
        closer=close,
    )


def _client(url: str, run: str) -> MongoClient[dict[str, Any]]:
    require_known(url)
    said = url.lower()
    options: dict[str, Any] = {}
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


def _database(client: MongoClient[dict[str, Any]], url: str) -> Database[dict[str, Any]]:
    try:
        return client.get_default_database(read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY)
    except ConfigurationError:
        raise Misused(
            f"the URL names no database: {hide_password(url)}",
            hint="put its name after the host: mongodb://localhost:27017/mydatabase",
        ) from None
