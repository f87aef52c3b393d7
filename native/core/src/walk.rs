//! Check a BSON document without trusting its lengths, with the same results as records/bson/walk.py.
//!
//! Every reader of unchecked bytes in this crate uses `value` and `bounds`. Values are not decoded here; callers read
//! them from bytes that are known to be valid.

use std::collections::HashSet;
use std::fmt;

use memchr::memchr;

use crate::path::Step;
use crate::raw::*;

/// MongoDB's own limit for what it stores.
pub const MAX_DEPTH: u32 = 200;

/// What is wrong with bytes. `Display` is the detail as in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Depth,
    Length { says: i32, left: usize },
    NoTerminator,
    After { count: usize },
    NameWithoutEnd,
    Short { size: i64, left: usize },
    TextSize(i32),
    TextWithoutEnd,
    Utf8 { byte: u8, at: usize, reason: &'static str },
    InnerLength { says: i32, left: usize },
    Bool(u8),
    ScopeSize { says: i32, left: usize },
    ScopeEnd,
    Unknown(u8),
    Duplicate,
    NoId,
}

impl Fault {
    pub fn reason(&self) -> &'static str {
        match self {
            Fault::Utf8 { .. } => "invalid_utf8",
            Fault::Duplicate => "duplicate_key",
            _ => "broken",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Depth => write!(f, "nested deeper than {MAX_DEPTH}"),
            Fault::Length { says, left } => write!(f, "says it is {says} bytes long where {left} are left"),
            Fault::NoTerminator => write!(f, "does not end with a zero byte"),
            Fault::After { count } => write!(f, "{count} bytes after its end"),
            Fault::NameWithoutEnd => write!(f, "a name without an end"),
            Fault::Short { size, left } => write!(f, "a value of {size} bytes where {left} are left"),
            Fault::TextSize(size) => write!(f, "a text of {size} bytes"),
            Fault::TextWithoutEnd => write!(f, "a text that does not end with a zero byte"),
            Fault::Utf8 { byte, at, reason } => write!(f, "byte 0x{byte:02x} at {at}: {reason}"),
            Fault::InnerLength { says, left } => write!(f, "binary data says {says} bytes inside {left}"),
            Fault::Bool(byte) => write!(f, "a boolean that is {byte}"),
            Fault::ScopeSize { says, left } => write!(f, "code with scope of {says} bytes where {left} are left"),
            Fault::ScopeEnd => write!(f, "code with scope of another length than it says"),
            Fault::Unknown(tag) => write!(f, "unknown type 0x{tag:02x}"),
            Fault::Duplicate => write!(f, "the field occurs twice"),
            Fault::NoId => write!(f, "no _id"),
        }
    }
}

/// Why a document cannot be read, and where.
#[derive(Debug)]
pub struct Unreadable {
    pub fault: Fault,
    /// From the place up to the root, extended while it is returned.
    path: Vec<Step>,
}

impl Unreadable {
    fn inside(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    pub fn path(mut self) -> Vec<Step> {
        self.path.reverse();
        self.path
    }
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Unreadable { fault, path: Vec::new() }
    }
}

/// A document is broken or does not fit. Used where the reason is determined elsewhere.
pub struct No;

impl From<Fault> for No {
    fn from(_: Fault) -> No {
        No
    }
}

impl From<Unreadable> for No {
    fn from(_: Unreadable) -> No {
        No
    }
}

/// Checks that the document is valid, including names and texts, and that no name occurs twice in an object.
pub fn walk(raw: &[u8]) -> Result<(), Unreadable> {
    let end = document(raw, 0, raw.len(), 1)?;
    if end != raw.len() {
        return Err(Fault::After { count: raw.len() - end }.into());
    }
    Ok(())
}

/// The value of the first `_id`, whatever follows it.
pub fn read_id(raw: &[u8]) -> Result<Value<'_>, Unreadable> {
    let mut at = 4;
    while at < raw.len() && raw[at] != 0 {
        let (name, start) = cstring(raw, at + 1, raw.len())?;
        let end = value(raw, raw[at], start, raw.len(), 1)?;
        if name == b"_id" {
            return Ok(Value { tag: raw[at], data: &raw[start..end] });
        }
        at = end;
    }
    Err(Fault::NoId.into())
}

/// Returns where the document that starts at `at` ends, including its terminator.
#[inline]
pub fn bounds(raw: &[u8], at: usize, limit: usize, depth: u32) -> Result<usize, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Depth);
    }
    let says = int(raw, at, limit)?;
    let end = at + usize::try_from(says).unwrap_or_default();
    if says < 5 || end > limit {
        return Err(Fault::Length { says, left: limit - at });
    }
    if raw[end - 1] != 0 {
        return Err(Fault::NoTerminator);
    }
    Ok(end)
}

fn document(raw: &[u8], at: usize, limit: usize, depth: u32) -> Result<usize, Unreadable> {
    let end = bounds(raw, at, limit, depth)?;
    let mut names = HashSet::new();
    let mut at = at + 4;
    while at < end - 1 {
        let (name, start) = cstring(raw, at + 1, end - 1)?;
        if !names.insert(name) {
            return Err(Unreadable::from(Fault::Duplicate).inside(Step::named(name)));
        }
        at = value(raw, raw[at], start, end - 1, depth).map_err(|e| e.inside(Step::named(name)))?;
    }
    Ok(end)
}

fn array(raw: &[u8], at: usize, limit: usize, depth: u32) -> Result<usize, Unreadable> {
    let end = bounds(raw, at, limit, depth)?;
    let mut at = at + 4;
    while at < end - 1 {
        let (_, start) = cstring(raw, at + 1, end - 1)?; // the index, which is ignored: the order counts
        at = value(raw, raw[at], start, end - 1, depth).map_err(|e| e.inside(Step::Element))?;
    }
    Ok(end)
}

/// Checks the value at `at` with its contents, and returns where it ends.
pub fn value(raw: &[u8], tag: u8, at: usize, limit: usize, depth: u32) -> Result<usize, Unreadable> {
    match tag {
        OBJECT => document(raw, at, limit, depth + 1),
        ARRAY => array(raw, at, limit, depth + 1),
        SCOPED => scoped(raw, at, limit, depth),
        _ => Ok(scalar(raw, tag, at, limit)?),
    }
}

fn scoped(raw: &[u8], at: usize, limit: usize, depth: u32) -> Result<usize, Unreadable> {
    let says = int(raw, at, limit)?;
    let end = at + usize::try_from(says).unwrap_or_default();
    if says < 14 || end > limit {
        return Err(Fault::ScopeSize { says, left: limit - at }.into());
    }
    let scope = whole_text(raw, at + 4, end)?;
    if document(raw, scope, end, depth + 1)? != end {
        return Err(Fault::ScopeEnd.into());
    }
    Ok(end)
}

/// Returns where a value without nested values ends.
#[inline]
pub fn scalar(raw: &[u8], tag: u8, at: usize, limit: usize) -> Result<usize, Fault> {
    match tag {
        STRING | CODE | SYMBOL => whole_text(raw, at, limit),
        DOUBLE | DATE | TIMESTAMP | LONG => take(at, limit, 8),
        INT => take(at, limit, 4),
        OBJECT_ID => take(at, limit, 12),
        BOOL => {
            let end = take(at, limit, 1)?;
            if raw[at] > 1 { Err(Fault::Bool(raw[at])) } else { Ok(end) }
        }
        NULL | UNDEFINED | MIN_KEY | MAX_KEY => Ok(at),
        BINARY => binary(raw, at, limit),
        DECIMAL => take(at, limit, 16),
        REGEX => {
            let (_, options) = cstring(raw, at, limit)?;
            Ok(cstring(raw, options, limit)?.1)
        }
        POINTER => {
            let id = whole_text(raw, at, limit)?;
            take(id, limit, 12)
        }
        _ => Err(Fault::Unknown(tag)),
    }
}

fn binary(raw: &[u8], at: usize, limit: usize) -> Result<usize, Fault> {
    let size = int(raw, at, limit)?;
    let start = take(at + 4, limit, 1)?;
    let end = take(start, limit, i64::from(size))?;
    if raw[at + 4] == OLD_BINARY {
        let inner = int(raw, start, end)?;
        let left = end - start - 4;
        if usize::try_from(inner) != Ok(left) {
            return Err(Fault::InnerLength { says: inner, left });
        }
    }
    Ok(end)
}

#[inline]
fn take(at: usize, limit: usize, size: i64) -> Result<usize, Fault> {
    let left = limit.saturating_sub(at);
    match usize::try_from(size) {
        Ok(wanted) if wanted <= left => Ok(at + wanted),
        _ => Err(Fault::Short { size, left }),
    }
}

#[inline]
fn int(raw: &[u8], at: usize, limit: usize) -> Result<i32, Fault> {
    let end = take(at, limit, 4)?;
    Ok(i32_of(&raw[at..end]))
}

#[inline]
fn whole_text(raw: &[u8], at: usize, limit: usize) -> Result<usize, Fault> {
    let end = text(raw, at, limit)?;
    utf8(&raw[at + 4..end - 1])?;
    Ok(end)
}

/// Returns where a text ends. Whether it is UTF-8 is checked later.
#[inline]
pub fn text(raw: &[u8], at: usize, limit: usize) -> Result<usize, Fault> {
    let size = int(raw, at, limit)?;
    if size < 1 {
        return Err(Fault::TextSize(size));
    }
    let end = take(at + 4, limit, i64::from(size))?;
    if raw[end - 1] != 0 {
        return Err(Fault::TextWithoutEnd);
    }
    Ok(end)
}

/// The bytes up to the next zero, and where the next value starts.
#[inline]
pub fn cstring(raw: &[u8], at: usize, limit: usize) -> Result<(&[u8], usize), Fault> {
    let rest = raw.get(at..limit).unwrap_or_default();
    let size = memchr(0, rest).ok_or(Fault::NameWithoutEnd)?;
    utf8(&rest[..size])?;
    Ok((&rest[..size], at + size + 1))
}

#[inline]
pub fn utf8(data: &[u8]) -> Result<&str, Fault> {
    simdutf8::basic::from_utf8(data).map_err(|_| not_utf8(data))
}

/// With the message of Python's decoder, which stops at the same byte.
#[cold]
fn not_utf8(data: &[u8]) -> Fault {
    let Err(e) = std::str::from_utf8(data) else {
        return Fault::Utf8 { byte: 0, at: 0, reason: "invalid start byte" };
    };
    let at = e.valid_up_to();
    let byte = data[at];
    let reason = match (e.error_len(), byte) {
        (None, _) => "unexpected end of data",
        (_, 0xC2..=0xF4) => "invalid continuation byte",
        _ => "invalid start byte",
    };
    Fault::Utf8 { byte, at, reason }
}
