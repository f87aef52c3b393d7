"""What every store promises as a whole: its parts, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kinds import ABSENT, NAMES, PARTS, SOURCES, TARGETS, opened_source, opened_target, record

from crossfade.errors import Unreachable, Unsupported
from crossfade.stores.contract import Store, need
from crossfade.stores.open import anywhere, open_store


@pytest.fixture(params=NAMES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param in SOURCES:
        found = opened_source(request.param, request, {"things": [record(id_=1)]}).store
    else:
        found = opened_target(request.param, request).store
    yield found
    found.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["store"])


def test_a_part_is_there_or_its_absence_has_a_reason(store: Store, name: str) -> None:
    absent = {part for part in PARTS if getattr(store, part) is None}
    assert absent == {part for part, of in ABSENT if of == name}


def test_a_missing_part_is_refused_with_the_stores_name(store: Store) -> None:
    for part in PARTS:
        if getattr(store, part) is None:
            with pytest.raises(Unsupported, match=f"^{store.scheme} cannot do that"):
                need(getattr(store, part), store, "do that")


def test_a_store_is_closed_twice(store: Store) -> None:
    store.close()
    store.close()


UNREACHABLE = {
    "mongodb": "mongodb://user:sesame@127.0.0.1:9/shop?serverSelectionTimeoutMS=200",
    "dump folder": "dump:/nowhere/at/all",
    "postgresql": "postgresql://user:sesame@127.0.0.1:9/shop",
    "sqlite": "sqlite:////nowhere/at/all/target.db",
}


def _look(store: Store) -> object:
    if store.inspector is not None:
        return store.inspector.entities()
    with need(store.writer, store, "be written to").transaction() as tx:
        return tx.describe()


@pytest.mark.parametrize("url", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_store_that_is_not_there_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable) as caught, open_store(url) as store:
        _look(store)
    assert "sesame" not in str(caught.value)
    assert caught.value.hint


def test_a_url_for_another_folder(store: Store) -> None:
    assert anywhere(store.url)
    assert TARGETS
