"""Hashes of passwords, and tokens that say who somebody is. Both are the same wherever the user is stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets

COST = 2**12  # an application of people would take 2**15
SECRET = os.environ.get("TOKEN_SECRET", "an example has no secrets").encode()


def hashed(password: str) -> str:
    salt = secrets.token_hex(8)
    return f"$scrypt${salt}${_scrypt(password, salt)}"


def is_password(password: str, hash_: str) -> bool:
    """A hash of another kind (bcrypt, of those who registered long ago) is no hash of any password here."""
    kind, salt, digest = [*hash_.split("$"), "", "", ""][1:4]
    return kind == "scrypt" and hmac.compare_digest(_scrypt(password, salt), digest)


def token_of(user_id: str) -> str:
    return f"{user_id}.{_signature(user_id)}"


def user_of(token: str) -> str | None:
    user_id, _, signature = token.partition(".")
    return user_id if hmac.compare_digest(signature.encode(), _signature(user_id).encode()) else None


def _signature(user_id: str) -> str:
    return hmac.new(SECRET, user_id.encode(), "sha256").hexdigest()


def _scrypt(password: str, salt: str) -> str:
    digest = hashlib.scrypt(password.encode(), salt=salt.encode(), n=COST, r=8, p=1, dklen=24)
    return base64.urlsafe_b64encode(digest).decode()
