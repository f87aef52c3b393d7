from __future__ import annotations

import pytest

from crossfade.model.urls import hide_password, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://me:secret@localhost:27017/db", "mongodb://me:***@localhost:27017/db"),
        ("mongodb+srv://me:secret@a.example/db?retryWrites=true", "mongodb+srv://me:***@a.example/db?retryWrites=true"),
        ("mongodb://me:secret@a:1,b:2/db?replicaSet=rs", "mongodb://me:***@a:1,b:2/db?replicaSet=rs"),
        ("mongodb://me:secret@a/db?appName=x@y", "mongodb://me:***@y"),
        ("mongodb://a:27017/db", "mongodb://a:27017/db"),
        ("mongodb://me@a/db", "mongodb://me@a/db"),
        ("mongodb://a:1,b:2,[::1]:3/db?tls=true", "mongodb://a:1,b:2,[::1]:3/db?tls=true"),
        ("postgresql://h:/db", "postgresql://h:/db"),
        ("postgresql://me:secret", "postgresql://me:***"),
        ("postgresql://me:1secret/db", "postgresql://me:***"),
        ("mongodb://a:1,me:sec/ret?more", "mongodb://a:1,me:***"),
        ("https:/me:secret@h/d", "https:***@h/d"),
        ("mongodb://a/db?tlsCertificateKeyFilePassword=secret&tls=true", "mongodb://a/db?tlsCertificateKeyFilePassword=***&tls=true"),
        ("mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:secret", "mongodb://a/?authMechanismProperties=***"),
        ("postgresql://user@/db?host=/socket/dir", "postgresql://user@/db?host=/socket/dir"),
        ("postgresql://user:secret@/db?host=/socket/dir", "postgresql://user:***@/db?host=/socket/dir"),
        ("postgresql:///db?user=me&password=secret", "postgresql:///db?user=me&password=***"),
        ("postgresql+psycopg://me:secret@[::1]:5432/db", "postgresql+psycopg://me:***@[::1]:5432/db"),
        ("postgresql://me@h/db?application_name=a@b", "postgresql://me@h/db?application_name=a@b"),
        ("host=h user=me password='s e c' dbname=d", "host=h user=me password=*** dbname=d"),
        ("sqlite:///data/app.db", "sqlite:///data/app.db"),
        ("data/dump.archive", "data/dump.archive"),
        ("localhost:5432/db", "localhost:5432/db"),
        (" mongodb://me:secret@h/db", " mongodb:***@h/db"),
        ("jdbc:postgresql://h/db?user=me&password=secret", "jdbc:postgresql://h/db?user=me&password=***"),
        ("https//me:secret@h/db", "https//me:***@h/db"),
        ("mongodb:/me:secret@h/db", "mongodb:***@h/db"),
        ("postgresql://me%3Asecret@h/db", "postgresql://me%3A***@h/db"),
        ("mongodb://h/db?tls=true&pasword=secret", "mongodb://h/db?tls=true&pasword=***"),
        ("postgresql://h/db?password=a&secret&sslmode=require", "postgresql://h/db?password=***&***&sslmode=require"),
        ("postgresql://h/db?options=-c%20app.key%3Dsecret", "postgresql://h/db?options=***"),
        ("postgresql://h/db?scram_client_key=secret&sslpassword=secret", "postgresql://h/db?scram_client_key=***&sslpassword=***"),
        ("host=h password=my secret dbname=d", "host=h password=*** dbname=d"),
        ("host=h password='secret", "host=h password=***"),
        ("SOURCE_URL=mongodb://h/db?x=secret", "SOURCE_URL=mongodb://h/db?x=***"),
        ("h:5432:db:me:secret", "h:5432:db:me:***"),
        ("*:*:*:me:sec\\:secret", "*:*:*:me:***"),
        ("host=h;user=me;password=secret", "host=***"),
        ("host=h,password=secret", "host=***"),
        ("jdbc:sqlserver://h:1433;user=me;password=secret", "jdbc:sqlserver://h:1433;user=***"),
        ('{"host": "h", "password": "secret"}', '{"host": "h", "password":***'),
        ("password: secret user=me", "password:***"),
        ("host: h\npassword: secret", "host: h\npassword:***"),
        ("dump:/backup/2026-01-01T10:00:00", "dump:/backup/2026-01-01T10:00:00"),
        ("hostaddr=::1 port=5432", "hostaddr=::1 port=5432"),
    ],
)  # fmt: skip
def test_what_is_shown(url: str, shown: str) -> None:
    assert hide_password(url).startswith(shown)
    assert "secret" not in hide_password(url)


@pytest.mark.parametrize("password", ["p@ss", "p/ss", "p?ss", "p#ss", "p:ss", "p@s/s?w@rd", "123/4"])
def test_a_password_that_was_not_quoted_is_hidden_all_the_same(password: str) -> None:
    url = f"mongodb://me:{password}@host.example:27017/db"
    assert password not in hide_password(url)
    assert hide_password(url) == "mongodb://me:***@host.example:27017/db"


def test_a_drivers_message_loses_the_password_in_both_its_spellings() -> None:
    url = "mongodb://me:p%40ss@host/db"
    assert without_secrets("p@ss is wrong; p%40ss too", url) == "*** is wrong; *** too"


def test_a_drivers_message_loses_what_it_took_for_the_host() -> None:
    url = "postgresql://me:se@cr@et@host/db"
    assert without_secrets("no host 'cr@et@host'", url) == "no host '***host'"
    assert without_secrets("no host 'et@host'", url) == "no host '***@host'"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h/d&password=S3CRET", "postgresql://u@h/d;password=S3CRET",
        "postgresql://u@h/d password=S3CRET",
        "postgresql://u@h:S3CRET/d", "mongodb://u@h:S3CRET/d", "host=h user=u password=S3CRET?x dbname=d",
        "Server=x;Password=S3CRET?", "password: S3CRET?", "PGPASSWORD=S3CRET?", " mongodb://u:S3CRET/d",
        "mongdb://u:S3CRET", "u/S3CRET@h:1521/x", "postgresql://user=u password=S3CRET@h", "mongodb://u\uff1aS3CRET@h",
        "mongodb://h/d?key=S3CRET@", "mongodb://h/d?x=1&key=S3CRET@y", "sqlite:///x.db?key=S3CRET",
    ],
)  # fmt: skip
def test_a_password_in_another_place(url: str) -> None:
    assert "S3CRET" not in hide_password(url)
    assert "S3CRET" not in without_secrets(f'database "{url}" is unknown, nor S3CRET', url)
