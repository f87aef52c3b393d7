"""What `Inspector` promises, of every store that records are read from."""

from __future__ import annotations

from collections.abc import Callable

from gaps import never
from kinds import Entities, Source, record

from crossfade.stores.contract import need
from crossfade.stores.open import open_store

Filled = Callable[[Entities], Source]
SHOP = {"orders": [record(id_=n, text="x" * 100) for n in range(20)], "customers": [record(id_=1)], "none": []}


def test_entities_are_listed_by_name(source: Filled) -> None:
    """Everything that the source holds is listed, sorted by name, with its class and plan."""
    found = [e for e in source(SHOP).inspector.entities() if e.entity_class != "system"]
    assert [e.name for e in found] == ["customers", "none", "orders"]
    assert all(e.copied and e.plan and e.entity_class == "collection" for e in found)


def test_sizes_are_reported(source: Filled) -> None:
    """Each entity has a count and a size, for progress and the number of workers."""
    found = {e.name: e for e in source(SHOP).inspector.entities()}
    assert (found["orders"].count, found["none"].count) == (20, 0)
    assert found["orders"].bytes >= 2000


def test_a_list_without_sizes(source: Filled) -> None:
    """A list without sizes has the same names, classes and identities."""
    inspector = source(SHOP).inspector
    quick = {(e.name, e.entity_class, e.copied, e.identity) for e in inspector.entities(sized=False)}
    assert quick == {(e.name, e.entity_class, e.copied, e.identity) for e in inspector.entities()}


def test_entities_have_identities(source: Filled) -> None:
    """An entity is distinguished from another of the same name by its identity."""
    found = {e.name: e.identity for e in source(SHOP).inspector.entities()}
    assert all(found[name] for name in SHOP)


def test_the_place_is_the_same_each_time(source: Filled) -> None:
    """The place of the source has a name, and is the same each time that it is opened."""
    found = source(SHOP)
    name, servers = found.inspector.place()
    assert name
    assert servers
    with open_store(found.url) as again:
        assert need(again.inspector, again, "be looked into").place() == (name, servers)


def test_the_version_is_reported(source: Filled) -> None:
    """Product and version are known, for reports."""
    assert source(SHOP).inspector.version().strip()


def test_nothing_is_left_behind_where_there_is_nothing(source: Filled) -> None:
    """Only what is more than a plain index of the key is said to be left behind."""
    (found,) = [e for e in source({"orders": SHOP["orders"]}).inspector.entities() if e.name == "orders"]
    assert "not copied" not in found.plan
    assert not found.torn
    assert not found.unread


@never("memory", reason="a journal in memory is no entity")
def test_the_journal_of_a_move_into_it_is_one_entry(source: Filled) -> None:
    """The journal of a move into the source is listed once, and nothing of it is copied."""
    held = source({"orders": SHOP["orders"], **{f"crossfade.{name}": [record(id_=1)] for name in ("move", "chunk")}})
    assert [(e.name, e.copied) for e in held.inspector.entities()] == [("crossfade.*", False), ("orders", True)]


def test_names_that_only_look_like_a_journal_are_entities(source: Filled) -> None:
    """Without the journal's own table nothing is left out because of its name."""
    held = source({"crossfade.orders": SHOP["orders"]})
    assert [(e.name, e.copied) for e in held.inspector.entities()] == [("crossfade.orders", True)]
