//! JSON text as canonical Extended JSON: what a value of any type is read back as, for what a mapping makes.
//!
//! The reference is records/bson/ejson_loads.py with canonical.py. This shares nothing with `json_value`, which writes
//! such values: serde_json reads them here. What is unusual (see there) is left to the reference.

use std::fmt;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::double;
use crate::texts::quote;
use crate::wire::Unready;

const MOST_DEPTH: usize = 90;

type Done<T> = Result<T, Unready>;

/// The canonical text of each JSON text; NULL for those that the reference has to read.
pub fn printed(values: &dyn Array) -> Done<ArrayRef> {
    let texts = values.as_string_opt::<i32>().ok_or(Unready)?;
    let mut made = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
    let mut out = Vec::new();
    for at in 0..texts.len() {
        out.clear();
        let done = texts.is_valid(at) && whole(texts.value(at), &mut out).is_ok();
        made.append_option(if done { std::str::from_utf8(&out).ok() } else { None });
    }
    Ok(Arc::new(made.finish()))
}

fn whole(text: &str, out: &mut Vec<u8>) -> Done<()> {
    let value: &RawValue = serde_json::from_str(text).map_err(|_| Unready)?;
    write(value.get(), out, 0)
}

fn write(text: &str, out: &mut Vec<u8>, depth: usize) -> Done<()> {
    if depth > MOST_DEPTH {
        return Err(Unready);
    }
    match text.as_bytes().first() {
        Some(b'{') => object(&read::<Fields<'_>>(text)?.0, out, depth),
        Some(b'[') => list(&read::<Vec<&RawValue>>(text)?, out, depth),
        Some(b'"') => {
            quote(read::<String>(text)?.as_bytes(), out);
            Ok(())
        }
        Some(b't' | b'f' | b'n') => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        _ => number(text, out),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Done<T> {
    serde_json::from_str(text).map_err(|_| Unready)
}

/// The fields of an object in their order, also those of a name that occurs twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut found = Vec::new();
                while let Some(field) = map.next_entry()? {
                    found.push(field);
                }
                Ok(Fields(found))
            }
        }
        from.deserialize_map(All)
    }
}

fn object(fields: &[(String, &RawValue)], out: &mut Vec<u8>, depth: usize) -> Done<()> {
    if let [(name, value)] = fields
        && name.starts_with('$')
    {
        return extended(name, value.get(), out);
    }
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let unusual = |name: &&str| name.starts_with('$') || name.contains('\0');
    if names.iter().any(unusual) || names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Unready);
    }
    out.push(b'{');
    for (i, (name, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        quote(name.as_bytes(), out);
        out.push(b':');
        write(value.get(), out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

/// The usual values of Extended JSON, if they are written in the canonical way: such a text stays as it is.
fn extended(name: &str, value: &str, out: &mut Vec<u8>) -> Done<()> {
    let start = out.len();
    match name {
        "$numberInt" => number_of::<i32>(name, value, out)?,
        "$numberLong" => number_of::<i64>(name, value, out)?,
        "$numberDouble" => {
            let found: f64 = read::<&str>(value)?.parse().map_err(|_| Unready)?;
            if !found.is_finite() {
                return Err(Unready);
            }
            double(found, out);
        }
        "$oid" => {
            let id = read::<&str>(value)?;
            if id.len() != 24 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(Unready);
            }
            out.extend_from_slice(format!("{{\"$oid\":\"{id}\"}}").as_bytes());
        }
        "$date" => {
            let Fields(inner) = read(value)?;
            let [(kind, digits)] = inner.as_slice() else { return Err(Unready) };
            if kind != "$numberLong" {
                return Err(Unready);
            }
            out.extend_from_slice(b"{\"$date\":");
            number_of::<i64>(kind, digits.get(), out)?;
            out.push(b'}');
        }
        _ => return Err(Unready),
    }
    let text = format!("{{\"{name}\":{value}}}");
    if out[start..] == *text.as_bytes() { Ok(()) } else { Err(Unready) }
}

fn number_of<T: std::str::FromStr + fmt::Display>(name: &str, value: &str, out: &mut Vec<u8>) -> Done<()> {
    let found: T = read::<&str>(value)?.parse().map_err(|_| Unready)?;
    out.extend_from_slice(format!("{{\"{name}\":\"{found}\"}}").as_bytes());
    Ok(())
}

fn double(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"$numberDouble\":\"");
    double::repr(value, out);
    out.extend_from_slice(b"\"}");
}

fn list(values: &[&RawValue], out: &mut Vec<u8>, depth: usize) -> Done<()> {
    out.push(b'[');
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(value.get(), out, depth + 1)?;
    }
    out.push(b']');
    Ok(())
}

/// A whole number, or a double that is written with its shortest digits (zeros at the end do not count).
fn number(text: &str, out: &mut Vec<u8>) -> Done<()> {
    if !text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        let found: i64 = text.parse().map_err(|_| Unready)?;
        let name = if i32::try_from(found).is_ok() { "$numberInt" } else { "$numberLong" };
        out.extend_from_slice(format!("{{\"{name}\":\"{found}\"}}").as_bytes());
        return Ok(());
    }
    let found: f64 = text.parse().map_err(|_| Unready)?;
    if !found.is_finite() {
        return Err(Unready);
    }
    // Not those of `to_string`: where two are equally near, it takes the other.
    let mut shortest = Vec::new();
    double::repr(found, &mut shortest);
    let shortest = std::str::from_utf8(&shortest).map_err(|_| Unready)?;
    if without_zeros(shortest) != without_zeros(text) {
        return Err(Unready);
    }
    double(found, out);
    Ok(())
}

fn without_zeros(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}
