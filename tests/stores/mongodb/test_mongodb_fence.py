"""The fence of MongoDB: without logins, and who passes it with some."""

from __future__ import annotations

import threading
from typing import Any

import pymongo
import pytest
from pymongo.errors import PyMongoError, WriteError

from crossfade.journal.numbers import is_of_same_move, next_token
from crossfade.stores.contract import Replaced, need
from crossfade.stores.mongodb.fence import MongoFence, _command
from crossfade.stores.open import open_store
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from crossfade.testing.urls import as_user
from following import wait_for


def test_a_server_without_logins() -> None:
    with mongodb() as server:
        url = with_database(server, "shop")
        with pymongo.MongoClient[Any](url) as client, open_store(url) as store, open_store(url) as another:
            things, fence = client.shop.things, need(store.fence, store, "refuse writes")
            assert list(fence.check()) == []
            fence.take_over(1)
            fence.close(1, seconds=120)
            with pytest.raises(WriteError):
                things.insert_one({"_id": 1})
            state = need(another.fence, another, "refuse writes").state()
            assert (state.closed, state.token, state.passes) == (True, 1, ())
            fence.open(1)
            things.insert_one({"_id": 1})
            fence.remove()
            assert "crossfade_fence" not in client.admin.list_collection_names()


def test_a_close_whose_connection_broke_does_not_come_late() -> None:
    """It still waits in the server for a transaction when the controller opens again."""
    with mongodb() as server:
        url = with_database(server, "shop")
        with pymongo.MongoClient[Any](url) as client, open_store(url) as store:
            things, fence = client.shop.things, need(store.fence, store, "refuse writes")
            things.insert_one({"_id": 0})
            fence.take_over(1)
            ended = list[str]()

            def close() -> None:
                with pymongo.MongoClient[Any](url) as sender:
                    try:
                        sender.admin.command(_command(1, True, 600))
                    except PyMongoError as error:
                        ended.append(str(error))

            late = threading.Thread(target=close)
            with client.start_session() as session, session.start_transaction():
                things.insert_one({"_id": 1}, session=session)
                late.start()
                wait_for(lambda: fence._running())  # type: ignore[attr-defined]
                opening = threading.Thread(target=fence.open, args=(1,))
                opening.start()
                wait_for(lambda: ended)
            opening.join()
            late.join()
            assert not fence.state().closed
            things.insert_one({"_id": 2})


def test_who_passes_and_what_is_left() -> None:
    with mongodb(auth=True) as server:
        url = with_database(server, "shop")
        with pymongo.MongoClient[Any](server) as client, open_store(url) as store:
            client.admin.command("createUser", "another", pwd="x", roles=["root"])
            client.admin.command("createUser", "reader", pwd="x", roles=["read"])
            before = client.admin.command("usersInfo", 1)["users"]
            fence = need(store.fence, store, "refuse writes")
            fence.take_over(1)
            fence.close(1, seconds=120)
            assert fence.state().passes == ("the login another (admin)",)
            with open_store(as_user(url, "reader", "x")) as poor:
                lacks = need(poor.fence, poor, "refuse writes").check()
            assert len(lacks) == 1
            assert "createUser" in lacks[0]
            fence.remove()
            assert client.admin.command("usersInfo", 1)["users"] == before
            assert not client.admin.command("rolesInfo", "crossfade_fence")["roles"]


@pytest.mark.parametrize("auth", [False, True])
@pytest.mark.parametrize("where", ["take_over", "open", "_give_up"])
def test_a_removal_that_was_interrupted_is_finished(auth: bool, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves is still a fence of its move: so the next one takes it for its own."""
    token = next_token(0)

    def killed(*_: object) -> None:
        raise ConnectionResetError

    def killed_after(fence: MongoFence, token: int) -> None:
        taken_over(fence, token)
        raise ConnectionResetError

    with mongodb(auth=auth) as server:
        url = with_database(server, "shop")
        with pymongo.MongoClient[Any](server) as client, open_store(url) as store, open_store(url) as another:
            fence = need(store.fence, store, "refuse writes")
            fence.take_over(token)
            fence.close(token, seconds=120)
            taken_over = MongoFence.take_over
            with monkeypatch.context() as patch, pytest.raises(ConnectionResetError):  # noqa: PT012
                patch.setattr(MongoFence, where, killed_after if where == "take_over" else killed)
                fence.remove(token)
            later = need(another.fence, another, "refuse writes")
            state = later.state()
            assert state.closed == (where != "_give_up")
            assert state.token > token
            assert is_of_same_move(state.token, token)
            later.remove(state.token)
            assert (later.state().closed, later.state().token) == (False, 0)
            assert "crossfade_fence" not in client.admin.list_collection_names()
            assert not [u for u in client.admin.command("usersInfo", 1)["users"] if "crossfade" in u["user"]]


def test_a_removal_leaves_the_guard_of_who_takes_over_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    with mongodb() as server:
        url = with_database(server, "shop")
        with open_store(url) as store, open_store(url) as another:
            fence, later = (need(one.fence, one, "refuse writes") for one in (store, another))
            require, newest = MongoFence._require, 1 << 40

            def overtaken(one: MongoFence, token: int) -> None:
                require(one, token)
                if one is fence and not one.state().closed:  # it is open, and is about to give up its guard
                    later.take_over(newest)
                    later.close(newest, seconds=120)

            fence.take_over(1)
            fence.close(1, seconds=120)
            with monkeypatch.context() as patch, pytest.raises(Replaced):  # noqa: PT012
                patch.setattr(MongoFence, "_require", overtaken)
                fence.remove(1)
            assert (later.state().closed, later.state().token) == (True, newest)
            later.remove(newest)


def test_an_older_login_has_no_rights() -> None:
    """A controller that sleeps between reading the guard and its command: its login is gone when it wakes."""
    with mongodb(auth=True) as server:
        url = with_database(server, "shop")
        with open_store(url) as store, open_store(url) as another:
            first, second = (need(one.fence, one, "refuse writes") for one in (store, another))
            first.take_over(1)
            password: Any = first._logins._passwords[1]  # type: ignore[attr-defined]
            old = as_user(server, "crossfade_fence_000000000001", password)
            with pymongo.MongoClient[Any](old) as sleeping:
                sleeping.admin.command("ping")
                second.take_over(2)
                second.close(2, seconds=120)
                with pytest.raises(PyMongoError):
                    sleeping.admin.command({"setUserWriteBlockMode": 1, "global": False})
            assert second.state().closed
            second.remove()
