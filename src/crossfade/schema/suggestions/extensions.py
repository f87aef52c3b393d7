"""Suggestions for functions, types and operator classes of extensions that the file does not create."""

from __future__ import annotations

import re

from crossfade.model.quoting import shown
from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.suggestions.text import edited
from crossfade.schema.tokens import meaningful

_BRINGS = {
    "uuid-ossp": ("uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"),
    "pgcrypto": ("crypt", "gen_salt", "digest", "hmac", "gen_random_bytes", "pgp_sym_encrypt", "pgp_sym_decrypt"),
    "unaccent": ("unaccent",),
    "pg_trgm": ("gin_trgm_ops", "gist_trgm_ops", "similarity", "word_similarity"),
    "citext": ("citext",),
    "hstore": ("hstore",),
    "ltree": ("ltree",),
    "vector": ("vector", "halfvec", "sparsevec", "vector_cosine_ops", "vector_l2_ops", "vector_ip_ops"),
    "postgis": ("geometry", "geography", "st_makepoint", "st_setsrid"),
    "btree_gist": ("gist_uuid_ops", "gist_int4_ops", "gist_int8_ops", "gist_text_ops"),
    "btree_gin": ("int4_ops", "text_ops"),
    "fuzzystrmatch": ("levenshtein", "soundex", "metaphone"),
    "tablefunc": ("crosstab",),
}
EXTENSION_OF = {name: extension for extension, names in _BRINGS.items() for name in names}
_BUILT_IN_NOW = {"uuid-ossp", "pgcrypto"}


def missing_extension(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct "function uuid_generate_v4() does not exist": CREATE EXTENSION first, or the built-in function."""
    found = re.search(r'(?:function|type|operator class) "?([\w.]+)"?(?:\(.*\))? does not exist', refusal.message)
    name = found[1].rpartition(".")[2].lower() if found else ""
    extension = EXTENSION_OF.get(name)
    if refusal.code not in ("42883", "42704") or extension is None:
        return None
    reason = f"{name} is part of the extension {extension}, which the file does not create before this"
    if extension in known.extensions:
        create = f"CREATE EXTENSION IF NOT EXISTS {shown(extension)}"
        return Suggestion(reason, f"{create};\n\n{statement}", f"begin the file with {create}")
    if name == "uuid_generate_v4":
        edits = [(t.start, t.end, "gen_random_uuid") for t in meaningful(statement) if t.name == name]
        return Suggestion(reason, edited(statement, edits), "gen_random_uuid() does the same and is built in")
    return Suggestion(reason, None, f"install {extension} on this server, then CREATE EXTENSION {shown(extension)}")


def extension_not_there(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """Correct a CREATE EXTENSION of an extension that the server does not have."""
    found = re.search(r'extension "([^"]+)" is not available', refusal.message)
    if not found:
        return None
    name = found[1]
    if name in _BUILT_IN_NOW:
        hint = "remove the statement: gen_random_uuid() is built in since PostgreSQL 13; other uses are reported too"
        return Suggestion(f"this server does not have the extension {name}", "", hint)
    return Suggestion(
        f"this server does not have the extension {name}",
        None,
        f"install {name} on the server, or remove the statement",
    )
