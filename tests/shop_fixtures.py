"""The shop, filled and surveyed once; targets for single tests; the result of an undisturbed copy."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pymongo
import pytest

import shop
from crossfade.testing import with_database
from outcome import Outcome, Shop, open_move, outcome
from scratch import PostgresScratch, scratch_postgresql

USERS = 40


@pytest.fixture(scope="session")
def filled_shop(mongodb_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The source and the project, for tests that change neither."""
    name = "shop_" + secrets.token_hex(6)
    source = with_database(mongodb_url, name)
    folder = shop.project(tmp_path_factory.mktemp("shop") / "shop")
    with pymongo.MongoClient[dict[str, Any]](mongodb_url) as client:
        try:
            shop.fill(client[name], shop.documents(USERS))
            with open_move(folder, source, "sqlite:///nowhere") as move:
                move.survey()
            yield Shop(source, folder)
        finally:
            client.drop_database(name)


@pytest.fixture
def shop_copy(filled_shop: Shop, tmp_path: Path) -> Shop:
    """The same source, and the project in a folder that may be changed."""
    folder = tmp_path / "shop"
    shutil.copytree(filled_shop.folder, folder)
    return Shop(filled_shop.source, folder)


@pytest.fixture(scope="session")
def undisturbed(filled_shop: Shop, postgresql_url: str) -> Outcome:
    """What a copy leaves that nothing disturbs."""
    with (
        scratch_postgresql(postgresql_url) as target,
        open_move(filled_shop.folder, filled_shop.source, target.url) as move,
    ):
        return outcome(target.url, move.copy())


@pytest.fixture
def new_target(postgresql_url: str) -> Iterator[Callable[[], PostgresScratch]]:
    """Makes empty PostgreSQL databases, as many as a test needs."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(scratch_postgresql(postgresql_url))
