"""crossfade.toml as values: what is refused, with which message."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from crossfade.errors import Misused, UnknownSetting
from crossfade.project import Project, Settings, load_project

SMALLEST = """
[source]
url = "${SOURCE_URL}"
[target]
url = "${TARGET_URL}"
schema = "schema.sql"
"""


def load(root: Path, text: str = "", *, base: str = SMALLEST, **environment: str) -> Project:
    (root / "crossfade.toml").write_text(base + text, encoding="utf-8")
    return load_project(root, environment)


def discard(root: Path, *lines: str) -> Project:
    return load(root, "\n".join(["[[discard]]", *lines]))


# -- what it gives


def test_the_smallest_file_gives_the_defaults(tmp_path: Path) -> None:
    project = load(tmp_path)
    limits = project.settings.limits
    assert (project.name, limits.quarantine, limits.chunk_mb, limits.differences) == (tmp_path.name, 0.0, 8.0, 100)
    assert (project.settings.entities, project.settings.discard) == ((), ())
    assert project.lock_file == tmp_path / "source.lock.json"
    assert (project.mapping_dir, project.rules_dir) == (tmp_path / "mapping", tmp_path / "rules")


def test_everything_that_it_may_say_arrives(tmp_path: Path) -> None:
    text = """
    [limits]
    quarantine = 0.25
    chunk_mb = 1.5
    differences = 7
    stop_at = 0.5
    stop_at_least = 9
    backlog_gb = inf
    [[discard]]
    entity = "users"
    path = "token"
    types = ["string", "null"]
    reason = "sessions are signed anew"
    [[discard]]
    entity = "users"
    where = "u.deleted"
    alias = "u"
    reason = "deleted long ago"
    [[discard]]
    table = "profiles"
    reason = "users without a profile have no row there"
    """
    project = load(tmp_path, text, base='name = "autumn"\nentities = ["users"]\n' + SMALLEST)
    path, where, table = project.settings.discard
    assert (project.name, project.settings.entities) == ("autumn", ("users",))
    assert project.settings.limits.model_dump() == {
        "quarantine": 0.25,
        "chunk_mb": 1.5,
        "differences": 7,
        "stop_at": 0.5,
        "stop_at_least": 9,
        "backlog_gb": float("inf"),
    }
    assert (path.entity, path.path, path.types) == ("users", "token", ("string", "null"))
    assert (where.where, where.alias) == ("u.deleted", "u")
    assert (table.table, table.entity) == ("profiles", None)


def test_the_file_itself_may_be_named(tmp_path: Path) -> None:
    load(tmp_path)
    assert load_project(tmp_path / "crossfade.toml", {}).root == tmp_path


def test_nothing_is_throttled_unless_it_is_said(tmp_path: Path) -> None:
    assert load(tmp_path).settings.throttle.model_dump() == {
        "lag_s": None,
        "active": None,
        "command": "",
        "every_s": 5.0,
    }


# -- unknown keys


@pytest.mark.parametrize(
    ("text", "place", "nearest"),
    [
        ("[limit]\nquarantine = 0.1", "'limit'", "'limits'"),
        ("[limits]\nquarantin = 0.1", "'limits.quarantin'", "'quarantine'"),
        ("[limits]\nchunk_size_mb = 4", "'limits.chunk_size_mb'", "'chunk_mb'"),
        ("[limits]\nbacklog_mb = 4", "'limits.backlog_mb'", "'backlog_gb'"),
        ("[throttle]\nlag = 4", "'throttle.lag'", "'lag_s'"),
        ('[[discard]]\nentity = "a"\npaht = "b"\nreason = "c"', "'discard.0.paht'", "'path'"),
        ('[[discard]]\nentitiy = "a"\nreason = "c"', "'discard.0.entitiy'", "'entity'"),
        ("[rehearse]\nprepar = []", "'rehearse.prepar'", "'prepare'"),
        ('[[inverse.lose]]\ncolum = "a.b"\nreason = "c"', "'inverse.lose.0.colum'", "'column'"),
        ('[[discards]]\nentity = "a"\nreason = "c"', "'discards'", "'discard'"),
    ],
)
def test_an_unknown_key_names_its_place_and_its_nearest_neighbour(
    tmp_path: Path, text: str, place: str, nearest: str
) -> None:
    with pytest.raises(UnknownSetting) as raised:
        load(tmp_path, text)
    assert f"unknown key {place}; nothing was done" in raised.value.message
    assert str(tmp_path / "crossfade.toml") in raised.value.message
    assert raised.value.hint == nearest
    assert raised.value.exit_status == 2


@pytest.mark.parametrize(
    ("section", "key", "nearest"),
    [("[source]", "urls", "'url'"), ("[target]", "shema", "'schema'"), ("[target]", "uri", "'url'")],
)
def test_an_unknown_key_in_source_or_target(tmp_path: Path, section: str, key: str, nearest: str) -> None:
    with pytest.raises(UnknownSetting) as raised:
        load(tmp_path, base=SMALLEST.replace(section, f'{section}\n{key} = "x"'))
    assert f"'{section.strip('[]')}.{key}'" in raised.value.message
    assert raised.value.hint == nearest


def test_an_unknown_key_without_a_neighbour_names_all_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownSetting) as raised:
        load(tmp_path, base="zzzzzzzz = 1\n" + SMALLEST)
    known = sorted(Settings.model_fields)
    assert len(known) > 10
    assert raised.value.hint == f"one of {', '.join(known)}"


def test_a_misspelled_key_is_not_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnknownSetting, match=r"unknown key 'target\.shema'") as raised:
        load(tmp_path, base=SMALLEST.replace("schema", "shema"))
    assert raised.value.hint == "'schema'"


# -- the environment


def test_the_environment_is_asked_only_for_the_url_that_is_needed(tmp_path: Path) -> None:
    project = load(tmp_path, SOURCE_URL="mongodb://localhost/shop")
    assert project.source_url == "mongodb://localhost/shop"
    with pytest.raises(Misused) as raised:
        _ = project.target_url
    assert "uses the environment variable TARGET_URL, which is not set" in raised.value.message
    assert raised.value.hint == "export TARGET_URL=..."


def test_an_empty_variable_is_no_url(tmp_path: Path) -> None:
    with pytest.raises(Misused, match=r"takes a URL from '\$\{SOURCE_URL\}', which is empty"):
        _ = load(tmp_path, SOURCE_URL="").source_url


def test_a_variable_may_be_a_part_of_a_url(tmp_path: Path) -> None:
    base = SMALLEST.replace("${SOURCE_URL}", "mongodb://${USER}:${PASSWORD}@db.example/shop")
    project = load(tmp_path, base=base, USER="reader", PASSWORD="p$x${USER}")
    assert project.source_url == "mongodb://reader:p$x${USER}@db.example/shop"


def test_what_is_no_variable_stays(tmp_path: Path) -> None:
    base = SMALLEST.replace("${SOURCE_URL}", "dump:a$b/$HOME/${9}")
    assert load(tmp_path, base=base).source_url == "dump:a$b/$HOME/${9}"


def test_the_environment_is_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in repr(load(tmp_path, TARGET_URL="postgresql://me:hunter2@pg.example/shop"))


# -- files that are none


@pytest.mark.parametrize("text", ["[source\n", 'name = "a"\nname = "b"\n', "url = unquoted\n"])
def test_a_file_that_is_not_toml_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misused, match=r"crossfade\.toml is not valid TOML: .*line \d") as raised:
        load(tmp_path, base=text)
    assert raised.value.exit_status == 2


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(Misused, match="is not valid TOML"):
        load_project(tmp_path, {})


def test_a_folder_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(Misused, match=r"no crossfade\.toml in") as raised:
        load_project(tmp_path, {})
    assert raised.value.hint == "name the project's folder with --project"


@pytest.mark.parametrize(
    ("base", "text", "message"),
    [
        ("", "", "source: field required"),
        ('[source]\nurl = "x"\n[target]\nurl = "y"\n', "", r"target\.schema: field required"),
        (SMALLEST, "[limits]\nquarantine = 1.5", r"limits\.quarantine: .*less than or equal to 1"),
        (SMALLEST, "[limits]\nquarantine = -0.1", r"limits\.quarantine: .*greater than or equal to 0"),
        (SMALLEST, "[limits]\nchunk_mb = 0", r"limits\.chunk_mb: .*greater than 0"),
        (SMALLEST, '[limits]\ndifferences = "many"', r"limits\.differences: .*valid integer"),
        ("entities = 3\n" + SMALLEST, "", "entities: .*valid tuple"),
    ],
)
def test_values_that_cannot_be_meant(tmp_path: Path, base: str, text: str, message: str) -> None:
    with pytest.raises(Misused, match=message):
        load(tmp_path, text, base=base)


def test_a_value_that_is_refused_is_not_shown(tmp_path: Path) -> None:
    base = SMALLEST.replace('"${SOURCE_URL}"', '["mongodb://me:hunter2@db.example/shop"]')
    with pytest.raises(Misused, match=r"source\.url: .*valid string") as raised:
        load(tmp_path, base=base)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


# -- discards


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['reason = "r"'], "either an entity or a table"),
        (['entity = "a"', 'table = "b"', 'reason = "r"'], "either an entity or a table"),
        (['table = "b"', 'path = "p"', 'reason = "r"'], "a table takes nothing but a reason"),
        (['table = "b"', 'where = "b.x"', 'alias = "b"', 'reason = "r"'], "a table takes nothing but a reason"),
        (['entity = "a"', 'types = ["null"]', 'reason = "r"'], "types requires a path"),
        (['entity = "a"', 'where = "a.x"', 'reason = "r"'], "where requires an alias, and no path"),
        (['entity = "a"', 'where = "a.x"', 'alias = "a"', 'path = "p"', 'reason = "r"'], "where requires an alias"),
        (['entity = "a"', 'alias = "a"', 'reason = "r"'], "alias requires where"),
        (['entity = "*"', 'reason = "r"'], r'entity "\*" \(every entity\) requires a path'),
        (['entity = "*"', 'where = "a.x"', 'alias = "a"', 'reason = "r"'], r'entity "\*".* requires a path'),
        (['entity = "a"', 'path = "p"'], r"discard\.0\.reason: field required"),
        (['entity = "a"', 'path = "p"', 'reason = ""'], r"discard\.0\.reason: .*at least 1 character"),
    ],
)
def test_discards_that_contradict_themselves(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(Misused, match=message):
        discard(tmp_path, *lines)


@pytest.mark.parametrize(
    "lines",
    [
        ['entity = "a"'],
        ['entity = "a"', 'path = "p.q[]"'],
        ['entity = "a"', 'path = "p"', 'types = ["null"]'],
        ['entity = "*"', 'path = "__v"'],
        ['entity = "a"', 'where = "a.x > 1"', 'alias = "a"'],
        ['table = "t"'],
    ],
)
def test_discards_that_stand(tmp_path: Path, lines: list[str]) -> None:
    assert len(discard(tmp_path, *lines, 'reason = "r"').settings.discard) == 1
