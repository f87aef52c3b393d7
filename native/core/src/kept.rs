//! Types and values as the survey tells them apart: documents/extremes.py.

use std::cmp::Ordering;

use crate::decimal::Decimal;
use crate::raw::*;
use crate::texts::{FIRST_MS, LAST_MS};

/// Characters that are kept of a text: enough to tell that it is longer than what is shown.
const KEPT: usize = 65;

/// A value as it is kept for comparing.
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
    /// By value; -0.0 before 0.0, NaN before all, equal decimals by their text. Both are of one type.
    #[inline]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Kept::Int(one), Kept::Int(other)) => one.cmp(other),
            (Kept::Double(one), Kept::Double(other)) => double_rank(*one).cmp(&double_rank(*other)),
            (Kept::Bool(one), Kept::Bool(other)) => one.cmp(other),
            (Kept::Text(one), Kept::Text(other)) | (Kept::Id(one), Kept::Id(other)) => one.cmp(other),
            (Kept::Decimal(one), Kept::Decimal(other)) => Decimal::of(one).order(&Decimal::of(other)),
            (Kept::Timestamp(s, i), Kept::Timestamp(t, j)) => (s, i).cmp(&(t, j)),
            _ => Ordering::Equal,
        }
    }

    /// What is kept of it beyond this batch: the first characters of a text.
    pub fn short(self) -> Self {
        match self {
            Kept::Text(text) => Kept::Text(first_chars(text, KEPT)),
            other => other,
        }
    }
}

fn double_rank(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MIN;
    }
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// Types as documents/count.py tells them apart: by BSON type, and by class where a type arrives in two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kind(u16);

const FAR_DATE: Kind = Kind(0x200);
const ODD_REGEX: Kind = Kind(0x201);

impl Kind {
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
}

/// Whether the options are letters of "ilmsux" in that order, as pymongo's class holds them.
fn is_regular(options: &[u8]) -> bool {
    let mut letters = b"ilmsux".iter();
    options.iter().all(|option| letters.any(|letter| letter == option))
}

/// What is compared of a value, and how long it is; `size` is that of an object or an array.
#[inline]
pub fn measure(value: Value<'_>, size: u32) -> (Option<Kept<'_>>, Option<u32>) {
    match value.tag {
        INT => (Some(Kept::Int(i64::from(value.i32()))), None),
        LONG | DATE => (Some(Kept::Int(value.i64())), None),
        DOUBLE => (Some(Kept::Double(value.f64())), None),
        BOOL => (Some(Kept::Bool(value.bool())), None),
        STRING | SYMBOL => (Some(Kept::Text(value.text())), Some(chars(value.text()))),
        OBJECT_ID => (Some(Kept::Id(value.data)), None),
        DECIMAL => (Some(Kept::Decimal(value.data)), None),
        TIMESTAMP => {
            let (time, counter) = value.timestamp();
            (Some(Kept::Timestamp(time, counter)), None)
        }
        OBJECT | ARRAY => (None, Some(size)),
        BINARY => (None, Some(value.binary().len() as u32)),
        CODE => (None, Some(chars(value.text()))),
        SCOPED => (None, Some(chars(value.scoped().text()))),
        _ => (None, None),
    }
}

/// Characters of UTF-8: the bytes that begin one.
fn chars(text: &[u8]) -> u32 {
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
