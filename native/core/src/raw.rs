//! BSON's bytes: type tags, values, and the fields of a valid document.

use memchr::memchr;

pub const DOUBLE: u8 = 0x01;
pub const STRING: u8 = 0x02;
pub const OBJECT: u8 = 0x03;
pub const ARRAY: u8 = 0x04;
pub const BINARY: u8 = 0x05;
pub const UNDEFINED: u8 = 0x06;
pub const OBJECT_ID: u8 = 0x07;
pub const BOOL: u8 = 0x08;
pub const DATE: u8 = 0x09;
pub const NULL: u8 = 0x0A;
pub const REGEX: u8 = 0x0B;
pub const POINTER: u8 = 0x0C;
pub const CODE: u8 = 0x0D;
pub const SYMBOL: u8 = 0x0E;
pub const SCOPED: u8 = 0x0F;
pub const INT: u8 = 0x10;
pub const TIMESTAMP: u8 = 0x11;
pub const LONG: u8 = 0x12;
pub const DECIMAL: u8 = 0x13;
pub const MAX_KEY: u8 = 0x7F;
pub const MIN_KEY: u8 = 0xFF;

/// Binary data that contains its length a second time.
pub const OLD_BINARY: u8 = 2;
pub const UUID: u8 = 4;

/// A value whose bounds were checked against its document: its type tag and its own bytes.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    pub tag: u8,
    pub data: &'a [u8],
}

impl<'a> Value<'a> {
    pub fn document(data: &'a [u8]) -> Self {
        Value { tag: OBJECT, data }
    }

    pub fn is_null(&self) -> bool {
        self.tag == NULL
    }

    pub fn i32(&self) -> i32 {
        i32_of(self.data)
    }

    pub fn i64(&self) -> i64 {
        i64_of(self.data)
    }

    pub fn f64(&self) -> f64 {
        f64::from_bits(i64_of(self.data) as u64)
    }

    pub fn bool(&self) -> bool {
        self.data.first() == Some(&1)
    }

    /// The text of a string, a symbol or code, and the start of a DBPointer and of code with scope.
    pub fn text(&self) -> &'a [u8] {
        text_of(self.data)
    }

    /// What follows the text: a DBPointer's ObjectId, or the scope of code.
    pub fn behind_text(&self) -> &'a [u8] {
        self.data.get(4 + text_of(self.data).len() + 1..).unwrap_or_default()
    }

    /// Code with scope has a length before its text.
    pub fn scoped(&self) -> Value<'a> {
        Value { tag: SCOPED, data: self.data.get(4..).unwrap_or_default() }
    }

    pub fn subtype(&self) -> u8 {
        self.data.get(4).copied().unwrap_or_default()
    }

    pub fn binary(&self) -> &'a [u8] {
        let start = if self.subtype() == OLD_BINARY { 9 } else { 5 };
        self.data.get(start..).unwrap_or_default()
    }

    /// The pattern and the options of a regular expression.
    pub fn regex(&self) -> (&'a [u8], &'a [u8]) {
        let (pattern, rest) = cut_at_zero(self.data);
        (pattern, cut_at_zero(rest).0)
    }

    /// Seconds and counter.
    pub fn timestamp(&self) -> (u32, u32) {
        let both = i64_of(self.data) as u64;
        ((both >> 32) as u32, both as u32)
    }

    pub fn fields(&self) -> Fields<'a> {
        let end = self.data.len().saturating_sub(1);
        Fields { rest: self.data.get(4..end).unwrap_or_default() }
    }
}

/// Names and values in the order of the document.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.rest.split_first()?;
        let name_end = memchr(0, rest)?;
        let (name, rest) = (&rest[..name_end], &rest[name_end + 1..]);
        let (data, rest) = rest.split_at_checked(size_of(tag, rest))?;
        self.rest = rest;
        Some((name, Value { tag, data }))
    }
}

/// The size in bytes of a valid value.
#[inline]
fn size_of(tag: u8, data: &[u8]) -> usize {
    match tag {
        DOUBLE | DATE | TIMESTAMP | LONG => 8,
        INT => 4,
        STRING | CODE | SYMBOL => 4 + length(data),
        OBJECT | ARRAY | SCOPED => length(data),
        BINARY => 5 + length(data),
        OBJECT_ID => 12,
        BOOL => 1,
        DECIMAL => 16,
        REGEX => {
            let (pattern, rest) = cut_at_zero(data);
            pattern.len() + cut_at_zero(rest).0.len() + 2
        }
        POINTER => 16 + length(data),
        _ => 0,
    }
}

#[inline]
fn length(data: &[u8]) -> usize {
    usize::try_from(i32_of(data)).unwrap_or_default()
}

fn text_of(data: &[u8]) -> &[u8] {
    data.get(4..(4 + length(data)).saturating_sub(1)).unwrap_or_default()
}

fn cut_at_zero(data: &[u8]) -> (&[u8], &[u8]) {
    match memchr(0, data) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}

#[inline]
pub fn i32_of(data: &[u8]) -> i32 {
    data.first_chunk().map_or(0, |four| i32::from_le_bytes(*four))
}

#[inline]
pub fn i64_of(data: &[u8]) -> i64 {
    data.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight))
}

/// Splits a batch into documents. After an invalid length, the rest of the batch is one piece.
pub fn split(batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let said = length(rest);
        let size = if said < 5 || said > rest.len() { rest.len() } else { said };
        let (piece, behind) = rest.split_at(size);
        rest = behind;
        Some(piece)
    })
}

/// The name of the type as in MongoDB's `$type`; binary data with its subtype.
pub fn type_name(value: Value<'_>, out: &mut Vec<u8>) {
    if value.tag == BINARY {
        out.extend_from_slice(b"binData:");
        out.extend_from_slice(itoa::Buffer::new().format(value.subtype()).as_bytes());
    } else {
        out.extend_from_slice(name_of(value.tag).as_bytes());
    }
}

pub fn name_of(tag: u8) -> &'static str {
    match tag {
        DOUBLE => "double",
        STRING => "string",
        OBJECT => "object",
        ARRAY => "array",
        UNDEFINED => "undefined",
        OBJECT_ID => "objectId",
        BOOL => "bool",
        DATE => "date",
        NULL => "null",
        REGEX => "regex",
        POINTER => "dbPointer",
        CODE => "javascript",
        SYMBOL => "symbol",
        SCOPED => "javascriptWithScope",
        INT => "int",
        TIMESTAMP => "timestamp",
        LONG => "long",
        DECIMAL => "decimal",
        MIN_KEY => "minKey",
        MAX_KEY => "maxKey",
        _ => "unknown",
    }
}

/// One bit for each type, for sets of types; none for an unknown type. Binary data has one bit for all its subtypes.
#[inline]
pub fn bit_of(tag: u8) -> u32 {
    match tag {
        1..=0x13 => 1 << tag,
        MIN_KEY => 1 << 20,
        MAX_KEY => 1 << 21,
        _ => 0,
    }
}
