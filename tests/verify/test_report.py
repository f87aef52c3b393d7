"""Reports: a documented shape, and escaped values of databases."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from crossfade.model.counts import Counts, percent
from crossfade.model.rejection import Rejection
from crossfade.schema.compare import SchemaDifference
from crossfade.verify.facts import CauseShown, Example, Facts, MappingShown
from crossfade.verify.not_carried import Changed, LeftBehind
from crossfade.verify.report import as_html, as_json, write_reports
from crossfade.verify.verdict import (
    Difference,
    EntityVerdict,
    RuleVerdict,
    SchemaVerdict,
    TableVerdict,
    Verdict,
)

EVIL = "<script>alert('1')</script>\"'&{{ 7 * 7 }}"
FACTS = Facts(
    move="move " + EVIL,
    source="mongodb://user:***@host/" + EVIL,
    target="postgresql://host/db",
    versions={"PostgreSQL": "18.1 " + EVIL},
    quarantine={"users " + EVIL: {"unique " + EVIL: 3}},
    causes=(
        CauseShown(
            "users " + EVIL,
            "unique " + EVIL,
            "users." + EVIL,
            EVIL,
            EVIL,
            3,
            (Example("3f1a", EVIL, EVIL, f'{{\n  "a": "{EVIL}"\n}}'), Example("3f1b", None, EVIL, EVIL)),
        ),
    ),
    left_behind=(
        LeftBehind("entity", "logs " + EVIL, "why " + EVIL, 3168),
        LeftBehind("path", EVIL, EVIL, values=12),
    ),
    changed=(Changed("users." + EVIL, 1234, (EVIL,), ("users." + EVIL,), EVIL),),
    mappings=(MappingShown(EVIL, EVIL, "0123456789abcdef" * 4, f"SELECT 1 -- {EVIL}\nFROM users"),),
    digest="fedc" + EVIL,
    at=dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
)
EQUAL = Verdict(
    (EntityVerdict("users", Counts(10, 8, 1, 1), Counts(10, 8, 1, 1), 0),),
    (TableVerdict("users", 8, {"changed": 0, "missing": 0, "extra": 0, "duplicate": 0}, {}, 0, ("id",), ("seq",)),),
    (RuleVerdict("seats", "No more students than seats."),),
    1.5,
    {"chunks": 1.0, "keys": 0.25, "rules": 0.25},
)
UNEQUAL = Verdict(
    (
        EntityVerdict(
            "users " + EVIL,
            Counts(10, 7, 1, 1),
            Counts(10, 8, 1, 1),
            1,
            (Rejection(0, "not_null " + EVIL, EVIL, EVIL, EVIL, key=EVIL),),
        ),
    ),
    (
        TableVerdict(
            "users " + EVIL,
            8,
            {"changed": 1, "missing": 0, "extra": 1, "duplicate": 0},
            {EVIL: 1},
            1,
            (EVIL,),
            (EVIL,),
            (
                Difference("changed", EVIL, EVIL, EVIL, EVIL, EVIL, EVIL, "bell \x07, turned \u202e, blank\u00a0"),
                Difference("extra", "users", "users", "2", None, None, "no row", "a row"),
            ),
        ),
    ),
    (
        RuleVerdict("r" + EVIL, EVIL, (EVIL,), ((EVIL,),), 1),
        RuleVerdict("broken", "It runs.", error=EVIL),
    ),
    schema=SchemaVerdict(
        (
            SchemaDifference("changed", "function", "function", EVIL, "", "definition", EVIL, None, "fault", EVIL),
            SchemaDifference("extra", "table", "relation", "public.more", severity="note"),
        ),
        7,
        {EVIL: EVIL},
        (EVIL,),
    ),
)


COMPLETE = replace(EQUAL, entities=(EntityVerdict("users", Counts(10, 9, 0, 1), Counts(10, 9, 0, 1), 0),))


@pytest.mark.parametrize(
    ("verdict", "outcome", "color"),
    [
        (COMPLETE, "equal_and_complete", "yes"),
        (EQUAL, "equal_but_quarantined", "so-so"),
        (UNEQUAL, "not_equal", "no"),
    ],
)
def test_three_outcomes(verdict: Verdict, outcome: str, color: str) -> None:
    data = as_json(verdict, FACTS)
    assert (data["verdict"], data["equal"]) == (outcome, outcome != "not_equal")
    assert f'<div class="verdict {color}">' in as_html(verdict, FACTS)
    assert data["conclusion"] in visible_text(as_html(verdict, FACTS))


def test_the_figures_of_what_is_set_aside() -> None:
    assert "1 record is set aside in quarantine (10.00 %)" in as_json(EQUAL, FACTS)["conclusion"]


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "0.00 %"), (1, 3, "33.33 %"), (1, 10**6, "< 0.01 %"), (10**6 - 1, 10**6, "> 99.99 %"), (5, 5, "100.00 %")],
)
def test_a_share_never_looks_like_none_or_all(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


def test_a_changed_schema_is_reported_apart_from_the_data() -> None:
    missing = SchemaDifference("missing", "index", "index", "users_" + EVIL, expected="a", found="b")
    verdict = replace(COMPLETE, schema=SchemaVerdict((missing,)))
    data = as_json(verdict, FACTS)
    assert (data["verdict"], data["schema_holds"]) == ("equal_and_complete", False)
    assert data["apart"]
    assert "index users_" + EVIL in visible_text(as_html(verdict, FACTS))
    assert as_json(replace(COMPLETE, schema=SchemaVerdict()), FACTS)["schema_holds"]


def test_the_verdict_comes_first() -> None:
    text = visible_text(as_html(EQUAL, FACTS))
    assert text.index("Equal") < text.index("Accounts of all records")
    assert "All 8 rows in 1 table " in text
    assert "balanced" in text
    assert "not balanced" not in text
    assert "1 of 1 rules hold" in text


def test_why_not() -> None:
    text = visible_text(as_html(UNEQUAL, FACTS))
    assert text.strip().startswith("Not equal")
    assert "2 differences" in text
    assert "copied: found 7, the journal says 8" in text
    assert "1 record of users" in text


def test_what_a_reader_asks_for_next() -> None:
    page = as_html(EQUAL, FACTS)
    text = visible_text(page)
    for said in ("3 records of users", "and 1 more", "3,168", "1,234", "0123456789abcdef", "in 1.5 s", "(0.00 % of"):
        assert said in text, said
    assert page.count("<details>") == 3
    assert 'style="width:80.000%"' in page
    data = as_json(EQUAL, FACTS)
    assert [c["count"] for c in data["causes"]] == [3]
    assert [x["id"] for x in data["causes"][0]["examples"]] == ["3f1a", "3f1b"]
    assert [(one["kind"], one["records"], one["values"]) for one in data["left_behind"]] == [
        ("entity", 3168, None),
        ("path", None, 12),
    ]
    assert [one["values"] for one in data["changed_on_purpose"]] == [1234]
    assert [m["digest"] for m in data["mappings"]] == ["0123456789abcdef" * 4]


def test_the_lines_of_a_record_and_of_a_mapping_stay_lines() -> None:
    page = as_html(EQUAL, FACTS)
    assert f"<pre>SELECT 1 -- {escape(EVIL)}\nFROM users" in page


def test_every_cell_says_what_it_is_where_there_is_no_room_for_a_head() -> None:
    for page in (as_html(EQUAL, FACTS), as_html(UNEQUAL, FACTS)):
        cells = re.findall(r"<td\b[^>]*>", page)
        assert cells
        assert [c for c in cells if "data-label=" not in c and not re.search(r'class="(name|wide)', c)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for text, 3 to 1 for the parts of a bar."""
    light, dark = resources.files("crossfade.verify").joinpath("report.css").read_text().split("@media", 1)
    colors = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    for ground in ("paper", "panel"):
        for name in ("ink", "soft", "good", "bad", "warn"):
            assert contrast(colors[name], colors[ground]) >= 4.5, (name, ground)
    for name in ("copied", "quarantined", "discarded", "lost"):
        assert contrast(colors[name], colors["paper"]) >= 3, name


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_values_stay_values() -> None:
    page = as_html(UNEQUAL, FACTS)
    assert "<script" not in page
    tamed = as_html(tame(UNEQUAL), tame(FACTS))
    assert page.replace(str(escape(EVIL)), "tame").replace("<wbr>", "") == tamed.replace("<wbr>", "")
    assert EVIL in visible_text(page)
    assert "{{ 7 * 7 }}" in page


def test_what_has_no_picture_is_written_as_an_escape() -> None:
    page = as_html(UNEQUAL, FACTS)
    assert "bell \\u0007, turned \\u202e, blank\\u00a0" in page
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u00a0]", page)


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = as_html(UNEQUAL, FACTS)
    tags = {name for name, _ in tags_of(page)}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    assert "url(" not in page
    assert "@import" not in page


def test_json_has_the_documented_shape() -> None:
    data = as_json(UNEQUAL, FACTS)
    assert list(data) == [
        "report", "version", "move", "source", "target", "at", "verdict", "conclusion", "apart", "through", "equal",
        "balanced", "agrees_with_journal", "rules_hold", "schema_holds", "not_read", "rows", "differences", "entities",
        "tables", "schema", "rules", "quarantine", "quarantine_limit", "causes", "left_behind", "changed_on_purpose",
        "mappings", "mapping_digest", "limit", "versions", "seconds", "durations",
    ]  # fmt: skip
    assert list(data["entities"][0]) == [
        "entity", "source", "copied", "quarantined", "discarded", "moving", "balanced", "journal", "disagreements",
        "uncounted", "uncounted_records", "remainders", "altered", "altered_records",
    ]  # fmt: skip
    assert list(data["tables"][0]) == [
        "table", "rows", "left_out", "compared", "not_compared", "counts", "changed_rows", "changed_columns",
        "differences",
    ]  # fmt: skip
    assert list(data["tables"][0]["differences"][0]) == [
        "kind", "entity", "table", "key", "record", "column", "expected", "found",
    ]  # fmt: skip
    assert list(data["rules"][0]) == ["rule", "sentence", "holds", "total", "columns", "rows", "error"]


def test_both_files_are_written(tmp_path: Path) -> None:
    data, page = write_reports(UNEQUAL, FACTS, tmp_path / "reports")
    assert json.loads(data.read_text(encoding="utf-8")) == as_json(UNEQUAL, FACTS)
    assert page.read_text(encoding="utf-8") == as_html(UNEQUAL, FACTS)


def test_rules_alone_do_not_make_it_unequal() -> None:
    broken = replace(EQUAL, rules=(RuleVerdict("seats", "Seats.", ("id",), (("1",),), 1),))
    assert broken.equal
    assert not broken.rules_hold
    assert "1 of 1 rule broken" in visible_text(as_html(broken, FACTS))


def tame(value: Any) -> Any:
    """The same with harmless text in place of the evil one, wherever it stands."""
    if isinstance(value, str):
        return value.replace(EVIL, "tame")
    if isinstance(value, tuple):
        return tuple(tame(v) for v in value)
    if isinstance(value, dict):
        return {tame(k): tame(v) for k, v in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: tame(getattr(value, f.name)) for f in fields(value)})
    return value


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("style", "title"):
            self.text.append(data)


def tags_of(page: str) -> list[tuple[str, tuple[str, ...]]]:
    return Page(page).tags


def visible_text(page: str) -> str:
    return re.sub(r"\s+", " ", "".join(Page(page).text))
