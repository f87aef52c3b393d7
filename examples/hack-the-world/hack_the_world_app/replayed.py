"""`uvicorn hack_the_world_app.replayed:app`: the same, but ids and the time count up from the start of the process.

So requests that were recorded in one such process must have the same answers in another, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from hack_the_world_app.mongo import MongoStore
from hack_the_world_app.postgres import PostgresStore
from hack_the_world_app.store import Store
from hack_the_world_app.web import routes
from journeys.application import application

BEGIN, STEP = datetime(2026, 11, 29, 8), timedelta(minutes=7, milliseconds=13)
ids, moments = count(1), count(1)
stores: tuple[Callable[[str], Store], Callable[[str], Store]] = MongoStore, PostgresStore
app, store = application(*stores)
routes(app, store, lambda: BEGIN + next(moments) * STEP, lambda: f"6b50c0de{next(ids):016x}")
