"""A MongoDB database as a store: a source that is only ever read.

Reads go to the primary and see what a majority has (TRAPS: what a secondary or `local` shows can be stale, or be rolled
back), whatever the URL says, because a copy is proved against what it read.
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
from crossfade.stores.contract import Store, Traits
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.inspect import MongoInspector
from crossfade.stores.mongodb.options import require_known
from crossfade.stores.mongodb.source import MongoReader

SELECTION_TIMEOUT_MS = 5000


def open_mongodb(url: str, run: str = "") -> Store:
    """The database that the URL's path names.

    Raises Misused where the URL names none or does not stand, Unreachable where the server does not answer within five
    seconds (or the URL's own serverSelectionTimeoutMS) or refuses the login.
    """
    with speaking(url, "connecting"):
        client = _client(url, run)
        try:
            db = _database(client, url)
            client.admin.command("ping")  # the driver connects on first use; ours is now, also for the login
        except BaseException:
            client.close()
            raise
    return Store(
        scheme="mongodb",
        url=hide_password(url),
        traits=Traits(),
        inspector=MongoInspector(db, url),
        reader=MongoReader(db, url),
        closer=client.close,
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
        except ValueError as error:  # what the driver says of a port, for one
            raise InvalidURI(str(error)) from error
        except OSError as error:  # a certificate's file that cannot be read
            raise ConfigurationError(f"{error.filename or 'TLS'}: {error.strerror or error}") from error
    # The driver goes on without an option that it cannot read: without TLS, where it says tls=yes.
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
