"""`uvicorn hack_the_world_app.served:app`: the application on the store that is open."""

from __future__ import annotations

from collections.abc import Callable

from hack_the_world_app.mongo import MongoStore
from hack_the_world_app.postgres import PostgresStore
from hack_the_world_app.store import Store
from hack_the_world_app.web import routes
from journeys.application import application

OLD: Callable[[str], Store] = MongoStore
app, store = application(OLD, PostgresStore)
routes(app, store)
