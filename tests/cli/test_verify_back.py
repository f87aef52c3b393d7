"""What `verify` prints after a cutover."""

from __future__ import annotations

import io

from crossfade.cli.screen import Screen
from crossfade.cli.status import _proven
from crossfade.cli.verify_back import proven_back
from crossfade.journal.returned import SetAside
from crossfade.move.records import Records
from crossfade.move.values import ProvenBack
from crossfade.records.bson.codec import BSON


def test_records_are_named_as_everywhere_with_the_place() -> None:
    key, other = '{"$oid":"6b0d4dff122af28e5353ff98"}', '{"$oid":"6b0d4dff122af28e5353ff99"}'
    aside = (
        SetAside("loans", key, "precision", "too fine", path="back"),
        SetAside("loans", "#loans 90e1", "no_way_back", "no _id"),
    )
    found = ProvenBack("back", 9, 1, (("loans", other, "it is other"),), 2, 0, None, 1.0, aside=aside)
    answer, out = proven_back(Records(BSON), found), io.StringIO()
    answer.draw(Screen(out))
    lines = out.getvalue().splitlines()
    assert 'loans ObjectId("6b0d4dff122af28e5353ff99"): it is other' in lines
    assert '  loans ObjectId("6b0d4dff122af28e5353ff98"): precision at back: too fine' in lines
    assert "  row loans 90e1: no_way_back: no _id" in lines
    assert [one["key"] for one in answer.document["aside"]] == [key, "#loans 90e1"]


def test_a_verification_of_the_way_back_is_no_verdict_on_the_quarantine() -> None:
    """After a rollback it is still the newest one, while records are in quarantine."""
    proof = {"kind": "back again", "ended_at": "E", "through": "T", "verdict": "equal_and_complete"}
    end = "verified on the way back at E, up to T: the source has what the target has"
    assert _proven(proof) == f"what changed was {end}"
    assert _proven({**proof, "kind": "whole"}) == "everything was verified at E, up to T: equal and complete"
