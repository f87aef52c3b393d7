"""`verify --daily`: what cron prints, what is kept of each day, and who is told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from test_json_documented import differences, documented
from tinies import Tiny

from crossfade.journal.daily import Daily, Outcome, green_days

ALERT = "\n[verify]\nalert = 'touch alerted'\n"
DAY = date(2026, 11, 29)


def runs(*outcomes: str) -> list[Daily]:
    """Runs of the last days, today's the last; each word has the outcomes of a day."""
    days = [(DAY - timedelta(days=n), word) for n, word in enumerate(reversed(outcomes))]
    names: dict[str, Outcome] = {"g": "green", "r": "red", "f": "failed"}
    return [Daily(day.isoformat(), f"{day}T03:00", names[one], "") for day, word in reversed(days) for one in word]


@pytest.mark.parametrize(
    ("outcomes", "row"),
    [
        ([], 0),
        (["g", "g", "g"], 3),
        (["g", "g", ""], 2),  # today has not been compared yet
        (["g", "", "g"], 1),
        (["g", "", ""], 0),
        (["g", "r", "g"], 1),
        (["g", "rg", "g"], 1),  # a fault that was found on a day makes it red
        (["g", "fg", "g"], 3),
        (["g", "f", "g"], 1),
        (["g", "g", "f"], 0),
    ],
)
def test_green_days_in_a_row(outcomes: list[str], row: int) -> None:
    assert green_days(runs(*outcomes), DAY) == row


def reports(tiny: Tiny) -> list[Path]:
    return sorted((tiny.root / "daily").glob("*/report.json"))


def test_a_green_day_and_a_red_one(tiny: Tiny) -> None:
    tiny.write("crossfade.toml", (tiny.root / "crossfade.toml").read_text() + ALERT)
    tiny("run")
    ended = tiny("verify", "--daily")
    assert (ended.status, len(ended.out.splitlines()), ended.err) == (0, 1, "")
    assert not (tiny.root / "alerted").exists()
    tiny.postgres.execute("UPDATE people SET name = 'Somebody'")
    printed = tiny("verify", "--daily", "--json").json
    assert (printed["ok"], printed["outcome"], printed["green_days"]) == (False, "red", 0)
    assert list(differences(documented()["verify --daily"], printed)) == []
    assert (tiny.root / "alerted").exists()
    assert len(reports(tiny)) == 2
    status = tiny("status", "--json").json["daily"]
    assert (status["outcome"], status["green_days"]) == ("red", 0)


def test_a_day_that_could_not_be_compared(tiny: Tiny) -> None:
    """It is told, and noted where that is possible; another run of the day makes it good."""
    tiny.write("crossfade.toml", (tiny.root / "crossfade.toml").read_text() + ALERT)
    tiny("run")
    nowhere = "postgresql://postgres@127.0.0.1:1/x"
    ended = tiny("verify", "--daily", "--json", TARGET_URL=nowhere)
    assert (ended.status, ended.json["outcome"], ended.json["green_days"]) == (3, "failed", None)
    assert (tiny.root / "alerted").exists()
    mapping = (tiny.root / "mapping/people.sql").read_text()
    tiny.write("mapping/people.sql", "SELECT FROM")
    assert tiny("verify", "--daily", "--json").json["outcome"] == "failed"
    tiny.write("mapping/people.sql", mapping)
    assert tiny("verify", "--daily", "--json").json["green_days"] == 1


def test_an_alert_that_fails_is_told(tiny: Tiny) -> None:
    tiny.write("crossfade.toml", (tiny.root / "crossfade.toml").read_text() + ALERT.replace("touch alerted", "false"))
    ended = tiny("verify", "--daily", "--json")
    assert ended.status != 0
    assert any("false" in one for one in ended.json["failures"])
