//! Types and values as distinguished by the survey (records/bson/extremes.py).

use std::cmp::Ordering;

use crate::decimal::Decimal;
use crate::raw::*;
use crate::texts::{FIRST_MS, LAST_MS};
use crate::walk::{self, No, scalar, text, utf8};

/// Characters that are stored of a text, enough to see that it is longer than what is shown.
const KEPT: usize = 65;

/// The highest bit of each of eight bytes.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// A least or greatest value.
#[derive(Clone, Copy, Debug)]
pub enum Kept<'a> {
    Int(i64),
    Double(f64),
    Bool(bool),
    /// The start of a text.
    Text(&'a [u8]),
    Id(&'a [u8]),
    /// The bytes of a Decimal128.
    Decimal(&'a [u8]),
    Timestamp(u32, u32),
}

impl Kept<'_> {
    /// The part that is stored beyond this batch: the first characters of a text.
    fn short(self) -> Self {
        match self {
            Kept::Text(text) => Kept::Text(first_chars(text, KEPT)),
            other => other,
        }
    }
}

/// Types as distinguished by records/bson/count.py: by BSON type, and by class if a type has two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kind(u16);

const FAR_DATE: Kind = Kind(0x200);
const ODD_REGEX: Kind = Kind(0x201);

impl Kind {
    #[inline]
    pub fn of(value: Value<'_>) -> Kind {
        match value.tag {
            BINARY => Kind(0x100 | u16::from(value.subtype())),
            DATE if !(FIRST_MS..=LAST_MS).contains(&value.i64()) => FAR_DATE,
            REGEX if !is_regular(value.regex().1) => ODD_REGEX,
            tag => Kind(u16::from(tag)),
        }
    }

    pub fn name(self) -> String {
        match self {
            FAR_DATE => "date".into(),
            ODD_REGEX => "regex".into(),
            Kind(binary @ 0x100..0x200) => format!("binData:{}", binary & 0xFF),
            Kind(tag) => name_of(tag as u8).into(),
        }
    }

    fn tag(self) -> u8 {
        match self {
            FAR_DATE => DATE,
            ODD_REGEX => REGEX,
            Kind(0x100..0x200) => BINARY,
            Kind(tag) => tag as u8,
        }
    }

    /// Whether values with the same rank can differ.
    pub fn ties(self) -> bool {
        matches!(self.tag(), STRING | SYMBOL | OBJECT_ID | DECIMAL)
    }

    /// The order of values with the same rank; equal decimals by their text.
    #[inline]
    pub fn order(self, one: &[u8], other: &[u8]) -> Ordering {
        if self == Kind(DECIMAL as u16) { Decimal::of(one).order(&Decimal::of(other)) } else { one.cmp(other) }
    }

    pub fn kept(self, data: &[u8]) -> Option<Kept<'_>> {
        let tag = self.tag();
        let value = Value { tag, data };
        Some(match tag {
            INT => Kept::Int(i64::from(value.i32())),
            LONG | DATE => Kept::Int(value.i64()),
            DOUBLE => Kept::Double(value.f64()),
            BOOL => Kept::Bool(value.bool()),
            STRING | SYMBOL => Kept::Text(data).short(),
            OBJECT_ID => Kept::Id(data),
            DECIMAL => Kept::Decimal(data),
            TIMESTAMP => {
                let (time, counter) = value.timestamp();
                Kept::Timestamp(time, counter)
            }
            _ => return None,
        })
    }

    pub fn has_size(self) -> bool {
        matches!(self.tag(), STRING | SYMBOL | OBJECT | ARRAY | BINARY | CODE | SCOPED)
    }
}

/// Whether the options are letters of "ilmsux" in that order, as in pymongo's class.
fn is_regular(options: &[u8]) -> bool {
    let mut letters = b"ilmsux".iter();
    options.iter().all(|option| letters.any(|letter| letter == option))
}

/// A valid value.
#[derive(Clone, Copy)]
pub struct Measured<'a> {
    pub kind: Kind,
    /// Orders values of one kind: -0.0 before 0.0, NaN first. If ranks are equal, `Kind::order` decides.
    pub rank: u64,
    /// Characters of a text or bytes of binary data. Objects and arrays are counted by their readers.
    pub size: u32,
    /// Its bytes; for a string or a symbol those of the text.
    pub data: &'a [u8],
}

impl Measured<'_> {
    /// An object or an array.
    pub fn container(tag: u8) -> Self {
        Measured { kind: Kind(u16::from(tag)), rank: 0, size: 0, data: &[] }
    }
}

/// The value at `at`, which is neither object nor array, and where it ends.
///
/// Always inlined: a struct that is returned through memory in parts and read as a whole stalls the processor.
#[inline(always)]
pub fn measure(raw: &[u8], tag: u8, at: usize, limit: usize, depth: u32) -> Result<(Measured<'_>, usize), No> {
    if tag == STRING || tag == SYMBOL {
        let end = text(raw, at, limit)?;
        let data = &raw[at + 4..end - 1];
        let rank = head(&raw[at + 4..], data.len());
        return Ok((Measured { kind: Kind(u16::from(tag)), rank, size: chars(data, rank)?, data }, end));
    }
    let end = if tag == SCOPED { walk::value(raw, tag, at, limit, depth)? } else { scalar(raw, tag, at, limit)? };
    let data = &raw[at..end];
    let value = Value { tag, data };
    let (rank, size) = match tag {
        INT => (signed(i64::from(value.i32())), 0),
        LONG | DATE => (signed(value.i64()), 0),
        DOUBLE => (signed(double_rank(value.f64())), 0),
        BOOL => (u64::from(value.bool()), 0),
        OBJECT_ID => (head(data, data.len()), 0),
        TIMESTAMP => (value.i64() as u64, 0),
        BINARY => (0, value.binary().len() as u32),
        CODE => (0, beginnings(value.text())),
        SCOPED => (0, beginnings(value.scoped().text())),
        _ => (0, 0),
    };
    Ok((Measured { kind: Kind::of(value), rank, size, data }, end))
}

#[inline]
fn signed(value: i64) -> u64 {
    value as u64 ^ 1 << 63
}

fn double_rank(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MIN;
    }
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The first eight of `size` bytes, padded with zeros. What follows is ignored.
#[inline]
fn head(data: &[u8], size: usize) -> u64 {
    let eight = match data.first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => data.iter().fold(0, |eight, byte| eight << 8 | u64::from(*byte)) << (64 - 8 * data.len()),
    };
    if size < 8 { eight & !(u64::MAX >> (8 * size)) } else { eight }
}

/// The number of characters of a text whose first bytes are `head`.
#[inline]
fn chars(text: &[u8], head: u64) -> Result<u32, No> {
    let (eights, _) = text.as_chunks();
    let last = text.last_chunk().map_or(0, |eight| u64::from_ne_bytes(*eight));
    let bits = eights.iter().fold(head | last, |bits, eight| bits | u64::from_ne_bytes(*eight));
    if bits & HIGH_BITS == 0 {
        return Ok(text.len() as u32);
    }
    Ok(utf8(text)?.chars().count() as u32)
}

/// The number of UTF-8 characters: the bytes that begin one.
fn beginnings(text: &[u8]) -> u32 {
    text.iter().filter(|byte| begins(**byte)).count() as u32
}

fn begins(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn first_chars(text: &[u8], count: usize) -> &[u8] {
    let mut starts = text.iter().enumerate().filter(|(_, byte)| begins(**byte));
    match starts.nth(count) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
