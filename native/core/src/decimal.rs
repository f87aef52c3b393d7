//! Decimal128 (binary integer significand): its parts, its text as by Python's `decimal`, and its order.

use std::cmp::Ordering;
use std::io::Write;

use crate::raw::i64_of;

const SIGN: u64 = 1 << 63;
const NAN: u64 = 0x7C00_0000_0000_0000;
const INFINITE: u64 = 0x7800_0000_0000_0000;
const OTHER_FORM: u64 = 3 << 61;
const BIAS: i64 = 6176;
/// A significand of more than 34 digits stands for zero.
const GREATEST: u128 = 10u128.pow(34) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    NaN,
    Infinite { negative: bool },
    Finite { negative: bool, digits: u128, exponent: i64 },
}

impl Decimal {
    /// Reads the 16 bytes of a BSON value.
    pub fn of(data: &[u8]) -> Decimal {
        let low = i64_of(data) as u64;
        let high = i64_of(data.get(8..).unwrap_or_default()) as u64;
        let negative = high & SIGN != 0;
        if high & NAN == NAN {
            return Decimal::NaN;
        }
        if high & INFINITE == INFINITE {
            return Decimal::Infinite { negative };
        }
        if high & OTHER_FORM == OTHER_FORM {
            let exponent = ((high & 0x1FFF_E000_0000_0000) >> 47) as i64 - BIAS;
            return Decimal::Finite { negative, digits: 0, exponent };
        }
        let exponent = ((high & 0x7FFF_8000_0000_0000) >> 49) as i64 - BIAS;
        let digits = (u128::from(high & 0x0001_FFFF_FFFF_FFFF) << 64) | u128::from(low);
        Decimal::Finite { negative, digits: if digits > GREATEST { 0 } else { digits }, exponent }
    }

    /// To-scientific-string of the decimal arithmetic specification, which Python follows.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Decimal::NaN => out.extend_from_slice(b"NaN"),
            Decimal::Infinite { negative } => {
                out.extend_from_slice(if negative { b"-Infinity" } else { b"Infinity" });
            }
            Decimal::Finite { negative, digits, exponent } => {
                if negative {
                    out.push(b'-');
                }
                write_finite(itoa::Buffer::new().format(digits).as_bytes(), exponent, out);
            }
        }
    }

    /// Orders by value, NaN first; equal values by their text, as in records/bson/extremes.py.
    pub fn order(&self, other: &Decimal) -> Ordering {
        self.by_value(other).then_with(|| self.text().cmp(&other.text()))
    }

    fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn by_value(&self, other: &Decimal) -> Ordering {
        let signs = self.sign().cmp(&other.sign());
        if signs != Ordering::Equal {
            return signs;
        }
        match (self, other) {
            (
                Decimal::Finite { negative, digits, exponent },
                Decimal::Finite { digits: others, exponent: power, .. },
            ) if *digits != 0 && *others != 0 => {
                let found = magnitude(*digits, *exponent, *others, *power);
                if *negative { found.reverse() } else { found }
            }
            _ => Ordering::Equal,
        }
    }

    /// The rank among NaN, -Infinity, negatives, zero, positives and Infinity.
    fn sign(&self) -> i8 {
        match self {
            Decimal::NaN => -3,
            Decimal::Infinite { negative: true } => -2,
            Decimal::Infinite { negative: false } => 2,
            Decimal::Finite { digits: 0, .. } => 0,
            Decimal::Finite { negative, .. } => {
                if *negative {
                    -1
                } else {
                    1
                }
            }
        }
    }
}

/// Compares `a * 10^p` with `b * 10^q`, both not zero: first by the position of the leading digit, then by digits.
fn magnitude(a: u128, p: i64, b: u128, q: i64) -> Ordering {
    let places = |n: u128| i64::from(n.ilog10());
    let found = (places(a) + p).cmp(&(places(b) + q));
    found.then_with(|| {
        let (a, b) = (a * 10u128.pow(33 - a.ilog10()), b * 10u128.pow(33 - b.ilog10()));
        a.cmp(&b)
    })
}

fn write_finite(digits: &[u8], exponent: i64, out: &mut Vec<u8>) {
    let left = digits.len() as i64 + exponent; // digits before the point
    if exponent <= 0 && left > -6 {
        if left <= 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', left.unsigned_abs() as usize));
            out.extend_from_slice(digits);
        } else {
            let (whole, part) = digits.split_at(left as usize);
            out.extend_from_slice(whole);
            if !part.is_empty() {
                out.push(b'.');
                out.extend_from_slice(part);
            }
        }
        return;
    }
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    let _ = write!(out, "E{:+}", left - 1);
}
