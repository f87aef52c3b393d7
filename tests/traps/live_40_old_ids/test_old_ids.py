"""A queue of the old store that is read by the application of the new one."""

from __future__ import annotations

import uuid
from typing import Any

from bson import ObjectId

from crossfade_ids import object_id_in, uuid_of

QUEUE = [
    {"order": f"65a0000000000000000000{n:02x}", "customer": f"65b0000000000000000000{n % 2:02x}"} for n in range(3)
]


def test_old_ids_lead_to_the_rows_and_back(live: Any) -> None:
    with live.move() as move:
        move.copy()
    for payload in QUEUE:
        order, customer = (uuid_of(ObjectId(payload[name])) for name in ("order", "customer"))
        ((found,),) = live.rows(f"SELECT customer_id FROM orders WHERE id = '{order}'")
        assert found == customer
    rows = live.rows("SELECT id, customer_id FROM orders ORDER BY id")
    assert [{"order": _old(order), "customer": _old(customer)} for order, customer in rows] == QUEUE
    made = ObjectId()  # by the new application
    assert _old(uuid_of(made)) == str(made)


def _old(new: uuid.UUID | None) -> str:
    assert new is not None
    return (object_id_in(new) or b"").hex()
