"""TLS connections that fail: each error says why, and what helps; none says to check host and port."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from certificates import OPENSSL, Authority, authority
from tls_front import tls_front

from crossfade.errors import CrossfadeError
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from crossfade.testing import Running
from crossfade.testing.mongod import binary, options
from crossfade.testing.servers import HOST, ServerPlan, launch, listens, new_home
from scratch import MongoScratch, PostgresScratch

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the openssl command makes the certificates")


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("certificates") / "ca")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("certificates") / "other")


@pytest.fixture(scope="module")
def mongod(ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that takes no connection without TLS, and whose certificate names its address, but no host."""
    pem = ca.folder / "mongod.pem"
    pem.write_text("".join(path.read_text() for path in ca.sign("mongod", f"IP:{HOST}")))

    def plan(port: int) -> ServerPlan:
        home = new_home(tmp_path_factory.mktemp("mongod"), None)
        tls = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(pem))
        return ServerPlan(str(home), [str(binary()), *options(home, port), *tls])

    url = "mongodb://{}:{}/app?directConnection=true&serverSelectionTimeoutMS=4000"
    running = launch("MongoDB", plan, partial(url.format, HOST), lambda url: listens(urlsplit(url).port or 0))
    try:
        yield running
    finally:
        running.stop()


def opened(url: str) -> None:
    with open_store(url) as store:
        if store.ddl is not None:
            store.ddl.has_journal()
        else:
            need(store.inspector, store, "be looked into").version()


def refused(url: str) -> CrossfadeError:
    with pytest.raises(CrossfadeError) as caught:
        opened(url)
    error = caught.value
    assert (error.exit_status, error.passing) == (3, False), error
    assert "port" not in str(error.hint)
    return error


def test_mongodb(mongod: Running, ca: Authority, other: Authority) -> None:
    url = f"{mongod.url}&tls=true&tlsCAFile="
    opened(f"{url}{ca.certificate}")
    error = refused(f"{url}{other.certificate}")
    assert "certificate verify failed" in error.message
    assert "tlsCAFile" in str(error.hint)
    assert "tlsCAFile" in str(refused(f"{mongod.url}&tls=true").hint)
    error = refused(f"{url}{ca.certificate}".replace(HOST, "localhost"))
    assert "localhost" in error.message
    assert "host" in str(error.hint)
    error = refused(mongod.url)
    assert "only TLS" in error.message
    assert "tls=true" in str(error.hint)


def test_mongodb_without_tls(mongo_db: MongoScratch, ca: Authority) -> None:
    own = f"mongodb://{HOST}:{urlsplit(mongo_db.url).port}/app?directConnection=true&serverSelectionTimeoutMS=4000"
    error = refused(f"{own}&tls=true&tlsCAFile={ca.certificate}")
    assert "tls=false" in str(error.hint)


def test_a_certificate_of_mongodb_that_has_expired(mongo_db: MongoScratch, ca: Authority) -> None:
    expired = ca.sign("expired", f"IP:{HOST}", days=-1)
    with tls_front(*expired, urlsplit(mongo_db.url).port or 0) as port:
        own = f"mongodb://{HOST}:{port}/app?directConnection=true&serverSelectionTimeoutMS=4000"
        error = refused(f"{own}&tls=true&tlsCAFile={ca.certificate}")
    assert "expired" in error.message
    assert "renew" in str(error.hint)


def test_postgresql(pg_db: PostgresScratch, ca: Authority, other: Authority) -> None:
    with tls_front(*ca.sign("good", f"IP:{HOST}"), urlsplit(pg_db.url).port or 0) as port:
        url = f"postgresql://postgres@{HOST}:{port}/{pg_db.name}?sslmode=verify-full&sslrootcert="
        opened(f"{url}{ca.certificate}")
        error = refused(f"{url}{other.certificate}")
        assert "not trusted" in error.message
        assert "sslrootcert" in str(error.hint)
        error = refused(f"{url}{ca.certificate}".replace(HOST, "localhost"))
        assert "another host" in error.message
        assert "host" in str(error.hint)
    error = refused(f"{pg_db.url}?sslmode=verify-full&sslrootcert={ca.certificate}")
    assert "does not offer it" in error.message
    assert "sslmode=prefer" in str(error.hint)


def test_a_certificate_of_postgresql_that_has_expired(pg_db: PostgresScratch, ca: Authority) -> None:
    expired = ca.sign("old", f"IP:{HOST}", days=-1)
    with tls_front(*expired, urlsplit(pg_db.url).port or 0) as port:
        url = f"postgresql://postgres@{HOST}:{port}/{pg_db.name}?sslmode=verify-full&sslrootcert={ca.certificate}"
        error = refused(url)
    assert "expired" in error.message
    assert "renew" in str(error.hint)
