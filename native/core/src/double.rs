//! The shortest digits of a double, in the format of Python's `repr` and in that of orjson.

use std::io::Write;

/// Formats like `repr`: 1e+16, 1e-05, 0.0001. The value is finite.
pub fn repr(value: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    out.extend_from_slice(sign.as_bytes());
    if let Some((digits, exponent)) = text.split_once('e') {
        let exponent: i32 = exponent.parse().unwrap_or_default();
        push_exponent(digits, exponent, out);
    } else if let Some(digits) = text.strip_prefix("0.0000") {
        // ryu writes a zero more than Python before it changes to an exponent
        out.extend_from_slice(&digits.as_bytes()[..1]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits.as_bytes()[1..]);
        }
        push_exponent("", -5, out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn push_exponent(digits: &str, exponent: i32, out: &mut Vec<u8>) {
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "{digits}e{sign}{:02}", exponent.abs());
}

/// Formats like orjson: 0.00001, 1e-6, and 1e16 or (in newer versions) 1e+16. The value is finite.
pub fn json(value: f64, plus: bool, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    match text.split_once('e') {
        Some((digits, exponent)) if plus && !exponent.starts_with('-') => {
            let _ = write!(out, "{digits}e+{exponent}");
        }
        _ => out.extend_from_slice(text.as_bytes()),
    }
}
