"""Parse network addresses, bits, and other strings of digits."""

from __future__ import annotations

import ipaddress
import re

from crossfade.stores.postgresql.meaning.reading import Unread

_FOUR = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,3})(?:/([0-9]{1,2}))?")
_MACS = (
    re.compile(r"(?:[0-9a-f]{2}:){5,7}[0-9a-f]{2}"),
    re.compile(r"(?:[0-9a-f]{2}-){5,7}[0-9a-f]{2}"),
    re.compile(r"(?:[0-9a-f]{6}[:-]){1}[0-9a-f]{6}"),
    re.compile(r"(?:[0-9a-f]{4}[.-]){2,3}[0-9a-f]{4}"),
    re.compile(r"(?:[0-9a-f]{8}[:-]){1}[0-9a-f]{8}"),
    re.compile(r"[0-9a-f]{12}|[0-9a-f]{16}"),
)
_BITS = re.compile(r"(?P<hex>[xX])(?P<digits>[0-9a-fA-F]*)|[bB]?(?P<bits>[01]*)")
_LSN = re.compile(r"([0-9a-fA-F]{1,8})/([0-9a-fA-F]{1,8})")


def inet(text: str) -> tuple[int, int, int]:
    """Return version, address and prefix length."""
    return _address(text, classes=False)


def cidr(text: str) -> tuple[int, int, int]:
    """Parse like inet. Missing octets are 0; a missing prefix length follows from the first octet."""
    return _address(text, classes=True)


def _address(text: str, *, classes: bool) -> tuple[int, int, int]:
    text = text.strip()
    try:
        if ":" in text:
            six = ipaddress.IPv6Interface(text)
            if six.scope_id:
                raise Unread
            return 6, int(six.ip), six.network.prefixlen
        found = _FOUR.fullmatch(text)
        if not found:
            raise Unread
        octets = [int(part) for part in found[1].split(".")]
        four = ipaddress.IPv4Address(bytes([*octets, 0, 0, 0][:4]))
    except ValueError:
        raise Unread from None
    if found[2] is None and len(octets) < 4 and not classes:
        raise Unread
    length = int(found[2]) if found[2] is not None else _of_class(octets) if classes and len(octets) < 4 else 32
    return 4, int(four), length


def _of_class(octets: list[int]) -> int:
    first = octets[0]
    usual = 32 if first >= 240 else 8 if first >= 224 else 24 if first >= 192 else 16 if first >= 128 else 8
    return max(usual, 8 * len(octets))


def mac(text: str) -> str:
    """Return sixteen hex digits. Twelve digits are converted to EUI-64, as macaddr8 does."""
    text = text.strip().lower()
    if not any(pattern.fullmatch(text) for pattern in _MACS):
        raise Unread
    digits = re.sub(r"[^0-9a-f]", "", text)
    return digits if len(digits) == 16 else f"{digits[:6]}fffe{digits[6:]}"


def bits(text: str) -> str:
    found = _BITS.fullmatch(text.strip())
    if not found:
        raise Unread
    return "".join(f"{int(d, 16):04b}" for d in found["digits"]) if found["hex"] else found["bits"]


def lsn(text: str) -> tuple[int, int]:
    found = _LSN.fullmatch(text.strip())
    if not found:
        raise Unread
    return int(found[1], 16), int(found[2], 16)


def uuid(text: str) -> str:
    digits = text.strip().strip("{}").replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{32}", digits):
        raise Unread
    return digits


def raw(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise Unread
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise Unread from None


def boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in ("t", "true", "y", "yes", "on", "1"):
        return True
    if word in ("f", "false", "n", "no", "off", "0"):
        return False
    raise Unread
