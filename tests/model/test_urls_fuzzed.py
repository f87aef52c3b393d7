"""However unusual a URL is, nothing that people or scripts see contains its password."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crossfade.errors import CrossfadeError
from crossfade.model.urls import hide_password, without_secrets
from crossfade.stores.contract import need
from crossfade.stores.mongodb import store as mongodb
from crossfade.stores.open import open_store

CORE = "Zq7Wx9"  # in every secret; stands nowhere else

LEADING = st.sampled_from(
    ["", " ", "\t", "'", '"', "\ufeff", "jdbc:", "psql ", "URL=", "<", "\u00a0", "\n", "export A="]
)
SCHEMES = st.sampled_from(
    ["mongodb://", "mongodb+srv://", "postgresql://", "postgres://", "postgresql+psycopg://", "MongoDB://", "mongodb:/",
     "mongodb//", "mongo://", "https//", "postgresql:", "postgresql:/", "mongodb:////", "mysql://", "sqlite://", ""]
)  # fmt: skip
ODD_LETTERS = st.text(st.sampled_from(list("@:/?#&=;% ,'[]\\é日")), max_size=3)
SECRETS = st.builds(lambda a, b, quoted: quote(a + CORE + b, safe="") if quoted else a + CORE + b,
                    ODD_LETTERS, ODD_LETTERS, st.booleans())  # fmt: skip
HOSTS = st.sampled_from(["127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2", "[::1]:1", "", "127.0.0.1:port"])
KEYS = st.sampled_from(
    ["password", "pasword", "PASSWORD", "sslpassword", "scram_client_key", "scram_server_key", "options", "apikey",
     "authMechanismProperties", "tlsCertificateKeyFilePassword", "oauth_client_secret", "proxyPassword", "p"]
)  # fmt: skip


@st.composite
def urls(draw: st.DrawFn) -> str:
    url = draw(LEADING) + draw(SCHEMES) + draw(st.sampled_from(["me", "", "m%40e"])) + ":" + draw(SECRETS) + "@"
    url += draw(HOSTS) + "/db"
    if draw(st.booleans()):
        # of an option, too, what stands after a & or a # may be anything's
        url += "?" + draw(st.sampled_from(["tls=true&", "connect_timeout=2&", "x=y&"])) + draw(KEYS) + "=" + CORE + "1"
    return url + draw(st.sampled_from(["", " ", "'", "&sslmode=require", "\n"]))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """libpq's key=value form, and options without a login."""
    value = draw(st.sampled_from(["{}", "'{}'", "'{}", "a {}", "'a \\\\' {}'"])).format(CORE)
    text = f"host=127.0.0.1 port=1 {draw(KEYS)}={value} dbname=d"
    return draw(st.sampled_from([text, f"postgresql://127.0.0.1:1/db?{draw(KEYS)}={CORE}&{draw(KEYS)}=a{CORE}"]))


def look(url: str) -> None:
    with open_store(url) as store:
        need(store.ddl, store, "be inspected").has_journal()


@settings(max_examples=500)
@given(url=urls() | texts())
def test_what_is_shown_of_a_url(url: str) -> None:
    assert CORE not in hide_password(url)
    assert CORE not in without_secrets(f"it says: {url}", url)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(url=urls() | texts())
def test_what_drivers_say_of_it(url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assume("srv" not in url)  # asks a name server
    monkeypatch.setattr(mongodb, "SELECTION_TIMEOUT_MS", 1)
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(CrossfadeError) as caught:
        look(url)
    assert CORE not in f"{caught.value.message} {caught.value.hint}"
