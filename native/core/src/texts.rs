//! Values as text: canonical Extended JSON like records/bson/canonical.py, plain JSON like records/bson/plain.py.
//!
//! Text is appended to bytes. Names and texts are known to be UTF-8, so the result is, too.

use crate::decimal::Decimal;
use crate::double;
use crate::raw::*;

/// The range of Python's datetime: years 1 to 9999.
pub const FIRST_MS: i64 = -62_135_596_800_000;
pub const LAST_MS: i64 = 253_402_300_799_999;
const DAY_MS: i64 = 86_400_000;

/// The format of a double in plain JSON: with `e+16` or `e16`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spelling {
    pub plus: bool,
}

/// Writes a value with its contents as canonical Extended JSON.
pub fn canonical(value: Value<'_>, out: &mut Vec<u8>) {
    match value.tag {
        OBJECT => object(value, &CANONICAL, out, canonical),
        ARRAY => array(value, out, canonical),
        STRING => quote(value.text(), out),
        NULL => put(out, "null"),
        BOOL => put(out, if value.bool() { "true" } else { "false" }),
        INT => number(out, "{\"$numberInt\":\"", i64::from(value.i32()), "\"}"),
        LONG => number(out, "{\"$numberLong\":\"", value.i64(), "\"}"),
        DATE => number(out, "{\"$date\":{\"$numberLong\":\"", value.i64(), "\"}}"),
        DOUBLE => {
            put(out, "{\"$numberDouble\":\"");
            double_text(value.f64(), out);
            put(out, "\"}");
        }
        DECIMAL => {
            put(out, "{\"$numberDecimal\":\"");
            Decimal::of(value.data).write(out);
            put(out, "\"}");
        }
        OBJECT_ID => object_id(value.data, out),
        BINARY => binary(value, out),
        TIMESTAMP => {
            let (time, counter) = value.timestamp();
            number(out, "{\"$timestamp\":{\"t\":", i64::from(time), ",\"i\":");
            number(out, "", i64::from(counter), "}}");
        }
        REGEX => regex(value, out),
        CODE => {
            put(out, "{\"$code\":");
            quote(value.text(), out);
            out.push(b'}');
        }
        SCOPED => {
            put(out, "{\"$code\":");
            quote(value.scoped().text(), out);
            put(out, ",\"$scope\":");
            canonical(Value::document(value.scoped().behind_text()), out);
            out.push(b'}');
        }
        SYMBOL => {
            put(out, "{\"$symbol\":");
            quote(value.text(), out);
            out.push(b'}');
        }
        POINTER => {
            put(out, "{\"$dbPointer\":{\"$ref\":");
            quote(value.text(), out);
            put(out, ",\"$id\":");
            object_id(value.behind_text(), out);
            put(out, "}}");
        }
        UNDEFINED => put(out, "{\"$undefined\":true}"),
        MIN_KEY => put(out, "{\"$minKey\":1}"),
        _ => put(out, "{\"$maxKey\":1}"),
    }
}

/// Writes JSON as an application would print it, and canonical Extended JSON for values that JSON lacks.
pub fn plain(value: Value<'_>, spelling: Spelling, out: &mut Vec<u8>) {
    match value.tag {
        OBJECT => object(value, &PLAIN, out, |v, out| plain(v, spelling, out)),
        ARRAY => array(value, out, |v, out| plain(v, spelling, out)),
        INT => number(out, "", i64::from(value.i32()), ""),
        LONG => number(out, "", value.i64(), ""),
        DOUBLE if value.f64().is_finite() && value.f64().to_bits() != (-0.0f64).to_bits() => {
            double::json(value.f64(), spelling.plus, out);
        }
        OBJECT_ID => {
            out.push(b'"');
            hex(value.data, out);
            out.push(b'"');
        }
        DATE if (FIRST_MS..=LAST_MS).contains(&value.i64()) => iso_text(value.i64(), out),
        BINARY if value.subtype() == UUID && value.binary().len() == 16 => uuid(value.binary(), out),
        _ => canonical(value, out),
    }
}

/// The names of objects that are values in Extended JSON (records/bson/reserved.py), without their `$`.
pub struct Reserved {
    one: &'static [&'static str],
    two: &'static [[&'static str; 2]],
}

const CANONICAL: Reserved = Reserved {
    one: &[
        "oid",
        "symbol",
        "numberInt",
        "numberLong",
        "numberDouble",
        "numberDecimal",
        "binary",
        "uuid",
        "code",
        "timestamp",
        "regularExpression",
        "dbPointer",
        "date",
        "minKey",
        "maxKey",
        "undefined",
    ],
    two: &[["binary", "type"], ["code", "scope"]],
};
pub const PLAIN: Reserved = Reserved {
    one: &[
        "symbol",
        "numberDouble",
        "numberDecimal",
        "binary",
        "code",
        "timestamp",
        "regularExpression",
        "dbPointer",
        "date",
        "minKey",
        "maxKey",
        "undefined",
    ],
    two: &[["code", "scope"]],
};

impl Reserved {
    /// Whether an object with these names could be read as a value, or as an escaped object.
    pub fn has<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> bool {
        let mut bare: [&[u8]; 2] = [b"", b""];
        let mut count = 0;
        for name in names {
            let dollars = name.iter().take_while(|byte| **byte == b'$').count();
            if dollars == 0 || count == 2 {
                return false;
            }
            bare[count] = &name[dollars..];
            count += 1;
        }
        let is = |name: &str, at: usize| name.as_bytes() == bare[at];
        match count {
            1 => self.one.iter().any(|name| is(name, 0)),
            2 => self.two.iter().any(|[a, b]| (is(a, 0) && is(b, 1)) || (is(a, 1) && is(b, 0))),
            _ => false,
        }
    }
}

/// An object that looks like a value in Extended JSON has an additional `$` before each of its names.
fn object(value: Value<'_>, values: &Reserved, out: &mut Vec<u8>, mut write: impl FnMut(Value<'_>, &mut Vec<u8>)) {
    let like_a_value = value.fields().next().is_some_and(|(name, _)| name.first() == Some(&b'$'))
        && values.has(value.fields().map(|(name, _)| name));
    out.push(b'{');
    for (i, (name, child)) in value.fields().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let start = out.len();
        quote(name, out);
        if like_a_value {
            out.insert(start + 1, b'$');
        }
        out.push(b':');
        write(child, out);
    }
    out.push(b'}');
}

fn array(value: Value<'_>, out: &mut Vec<u8>, mut write: impl FnMut(Value<'_>, &mut Vec<u8>)) {
    out.push(b'[');
    for (i, (_, child)) in value.fields().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(child, out);
    }
    out.push(b']');
}

#[inline]
fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn number(out: &mut Vec<u8>, before: &str, value: i64, behind: &str) {
    put(out, before);
    put(out, itoa::Buffer::new().format(value));
    put(out, behind);
}

fn double_text(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        put(out, "NaN");
    } else if value.is_infinite() {
        put(out, if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        double::repr(value, out);
    }
}

fn object_id(data: &[u8], out: &mut Vec<u8>) {
    put(out, "{\"$oid\":\"");
    hex(data, out);
    put(out, "\"}");
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub fn hex(data: &[u8], out: &mut Vec<u8>) {
    for byte in data {
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
    }
}

fn uuid(data: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for (i, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if i > 0 {
            out.push(b'-');
        }
        hex(&data[part], out);
    }
    out.push(b'"');
}

fn binary(value: Value<'_>, out: &mut Vec<u8>) {
    put(out, "{\"$binary\":{\"base64\":\"");
    base64(value.binary(), out);
    put(out, "\",\"subType\":\"");
    hex(&[value.subtype()], out);
    put(out, "\"}}");
}

fn base64(data: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.reserve(data.len().div_ceil(3) * 4);
    for three in data.chunks(3) {
        let byte = |i: usize| three.get(i).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i > three.len() { b'=' } else { digit });
        }
    }
}

fn regex(value: Value<'_>, out: &mut Vec<u8>) {
    let (pattern, options) = value.regex();
    put(out, "{\"$regularExpression\":{\"pattern\":");
    quote(pattern, out);
    put(out, ",\"options\":");
    quote(options, out);
    put(out, "}}");
}

/// `"2024-01-26T10:00:00.000Z"`, of a date in the years 1 to 9999.
fn iso_text(ms: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let in_day = ms.rem_euclid(DAY_MS);
    out.push(b'"');
    digits(year, 4, out);
    let rest = [
        (b'-', month, 2),
        (b'-', day, 2),
        (b'T', in_day / 3_600_000, 2),
        (b':', in_day / 60_000 % 60, 2),
        (b':', in_day / 1000 % 60, 2),
        (b'.', in_day % 1000, 3),
    ];
    for (mark, value, size) in rest {
        out.push(mark);
        digits(value, size, out);
    }
    put(out, "Z\"");
}

fn digits(value: i64, size: u32, out: &mut Vec<u8>) {
    for place in (0..size).rev() {
        out.push(b'0' + (value / 10i64.pow(place) % 10) as u8);
    }
}

/// Year, month and day of a day counted from 1970, computed in eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let (month, shift) = (if month < 10 { month + 3 } else { month - 9 }, month);
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, in_year - (153 * shift + 2) / 5 + 1)
}

/// Writes a JSON text like Python's json with ensure_ascii=False.
pub fn quote(text: &[u8], out: &mut Vec<u8>) {
    let mut text = text;
    out.push(b'"');
    loop {
        let (clean, rest) = text.split_at(clean_prefix(text));
        out.extend_from_slice(clean);
        let Some((&byte, behind)) = rest.split_first() else { break };
        escape(byte, out);
        text = behind;
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The number of bytes before the first that needs an escape, sixteen at a time, which compilers vectorize.
fn clean_prefix(text: &[u8]) -> usize {
    let mut at = 0;
    for chunk in text.chunks_exact(16) {
        if chunk.iter().fold(false, |found, byte| found | needs_escape(*byte)) {
            break;
        }
        at += 16;
    }
    at + text[at..].iter().position(|byte| needs_escape(*byte)).unwrap_or(text.len() - at)
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => put(out, "\\\""),
        b'\\' => put(out, "\\\\"),
        b'\n' => put(out, "\\n"),
        b'\r' => put(out, "\\r"),
        b'\t' => put(out, "\\t"),
        0x0C => put(out, "\\f"),
        0x08 => put(out, "\\b"),
        _ => {
            put(out, "\\u00");
            hex(&[byte], out);
        }
    }
}
