"""A torn source, whose unread part is of unknown size, is named as that: it is no matter of a limit on quarantine."""

from __future__ import annotations

import io

import pytest

from crossfade.cli.answer import Answer
from crossfade.cli.daily import forward
from crossfade.cli.screen import Screen
from crossfade.cli.status import draw_status, status_document
from crossfade.cli.verify import conclude
from crossfade.journal.status import EntityStatus, Status
from crossfade.model.counts import Counts
from crossfade.shift.gates import _balance, _quarantine

COUNTS, TEAR = Counts(1000, 995, 5, 0), ("a document of 30 bytes ends after 22 (byte 29,430)",)
TORN = "customers is torn in the source: an unknown number of its records cannot be read"


@pytest.fixture
def torn() -> Status:
    entity = EntityStatus("customers", COUNTS, 1, 1, 1000, {"check": 5}, remainders=TEAR)
    return Status("m", "dump:d", "finished", "", (entity,), {"customers": 995}, 0.01)


def test_status_names_the_tear_and_the_way_on(torn: Status) -> None:
    out = io.StringIO()
    draw_status(Screen(out), status_document(torn))
    assert out.getvalue().startswith(f"{TORN}: {TEAR[0]}\nTry: create the dump again, or truncate the file")
    assert "the limit is" not in out.getvalue()
    assert (torn.ok, torn.within_limit) == (False, True)


def test_gates_name_the_counts(torn: Status) -> None:
    assert (_quarantine(torn).holds, _balance(torn).holds) == (True, False)


def test_verify_names_the_tear_alone(torn: Status) -> None:
    document = {
        "within_limit": torn.within_limit,
        "entities": status_document(torn)["entities"],
        "apart": [],
        "verdict": "not_equal",
        "conclusion": f"not equal: {TORN}",
        "report_error": None,
    }
    out = io.StringIO()
    conclude(Screen(out), document)
    assert out.getvalue() == f"not equal: {TORN}\n"
    assert forward(Answer(document, lambda screen: None, ok=False)).said == f"not equal: {TORN}"
