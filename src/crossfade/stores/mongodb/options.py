"""The options of a MongoDB URL. The driver ignores unknown options; here a misspelled one is refused."""

from __future__ import annotations

import difflib
from urllib.parse import unquote_plus

from crossfade.errors import Misused
from crossfade.model.urls import hide_password, without_secrets

KNOWN = """
    appName authMechanism authMechanismProperties authSource compressors connectTimeoutMS directConnection fsync
    heartbeatFrequencyMS journal loadBalanced localThresholdMS maxConnecting maxIdleTimeMS maxPoolSize
    maxStalenessSeconds minPoolSize proxyHost proxyPassword proxyPort proxyUsername readConcernLevel readPreference
    readPreferenceTags replicaSet retryReads retryWrites serverMonitoringMode serverSelectionTimeoutMS socketTimeoutMS
    srvMaxHosts srvServiceName ssl timeoutMS tls tlsAllowInvalidCertificates tlsAllowInvalidHostnames tlsCAFile
    tlsCertificateKeyFile tlsCertificateKeyFilePassword tlsCRLFile tlsDisableOCSPEndpointCheck tlsInsecure tz_aware
    unicode_decode_error_handler uuidRepresentation w waitQueueTimeoutMS wTimeoutMS zlibCompressionLevel
""".split()
_OF_OTHERS = """
    autoEncryption autoReconnect bufferCommands family gssapiServiceName j keepAlive keepAliveInitialDelay
    maxLifeTimeMS minIdleTimeMS poolSize serverSelectionTryOnce ssl_ca_certs ssl_cert_reqs ssl_certfile ssl_keyfile
    sslValidate tlsDisableCertificateRevocationCheck useCreateIndex useFindAndModify useNewUrlParser useUnifiedTopology
    waitQueueMultiple
""".split()
"""Options of other drivers and earlier versions, which are harmless here."""

_HARMLESS = {name.lower() for name in (*KNOWN, *_OF_OTHERS)}


def require_known(url: str) -> None:
    """Raise Misused for the first option that no driver has."""
    for piece in url.partition("?")[2].replace(";", "&").split("&"):
        name = unquote_plus(piece.partition("=")[0])
        if not name or name.lower() in _HARMLESS or name.startswith("3t."):  # x- options are a program's own notes
            continue
        near = difflib.get_close_matches(name.lower(), [known.lower() for known in KNOWN], n=1, cutoff=0.6)
        spelt = next((known for known in KNOWN if [known.lower()] == near), None)
        raise Misused(
            f"MongoDB's driver has no option {without_secrets(name, url)!r}, as in {hide_password(url)};"
            " nothing was read",
            hint=spelt or "remove the option; the driver's options are those of MongoDB's connection strings",
        )
