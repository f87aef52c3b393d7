//! Rows of a MongoDB target as BSON documents.
//!
//! The reference is stores/mongodb/documents.py. If anything is unexpected here (another Arrow type, a date that is no
//! whole millisecond, JSON that takes more than this reader), the result is `Unready`, and the reference does the batch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, BinaryArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use serde::Deserialize;

use crate::elements::{Done, head, nested, text};
use crate::json_value;
use crate::wire::Unready;

const NULL: u8 = 0x0a;
const MOST_BYTES: usize = 16_777_216;
/// What the exponent of a Decimal128 counts from, and how many digits it has.
const BIAS: u128 = 6176;
const DIGITS: usize = 34;

/// A field of the documents: what its values are, and, of an object or an array, what is in it.
#[derive(Deserialize)]
pub struct FieldSpec {
    name: String,
    kind: String,
    #[serde(default)]
    subtype: u8,
    /// NULL is a missing field.
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    fields: Vec<FieldSpec>,
    #[serde(default)]
    of: Option<Box<FieldSpec>>,
}

/// Writes one value, by its index, as an element of this name: its type, the name, the value.
type Writer<'a> = Box<dyn Fn(usize, &[u8], &mut Vec<u8>) -> Done<()> + 'a>;

/// The documents of the rows of a struct, whose fields are those of `spec` (a JSON list of `FieldSpec`).
pub fn documents(rows: &dyn Array, spec: &str) -> Done<ArrayRef> {
    let fields: Vec<FieldSpec> = serde_json::from_str(spec).map_err(|_| Unready)?;
    let write = body(rows, &fields)?;
    let (mut data, mut ends) = (Vec::new(), vec![0]);
    for at in 0..rows.len() {
        let start = data.len();
        write(at, &[], &mut data)?;
        if data.len() - start > MOST_BYTES {
            return Err(Unready);
        }
        ends.push(i32::try_from(data.len()).map_err(|_| Unready)?);
    }
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(BinaryArray::try_new(ends, Buffer::from_vec(data), None).map_err(|_| Unready)?))
}

/// Writes a document without type and name.
fn body<'a>(values: &'a dyn Array, fields: &'a [FieldSpec]) -> Done<Writer<'a>> {
    let parts = values.as_struct_opt().ok_or(Unready)?.columns();
    if parts.len() != fields.len() {
        return Err(Unready);
    }
    let writers = parts.iter().zip(fields).map(|(part, field)| element(part.as_ref(), field));
    let writers = writers.collect::<Done<Vec<_>>>()?;
    Ok(Box::new(move |at, _, out| {
        nested(out, |out| {
            fields.iter().zip(&writers).try_for_each(|(field, write)| write(at, field.name.as_bytes(), out))
        })
    }))
}

fn element<'a>(values: &'a dyn Array, field: &'a FieldSpec) -> Done<Writer<'a>> {
    let write = value(values, field)?;
    let nulls = values.logical_nulls();
    Ok(Box::new(move |at, name, out| {
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at)) {
            return write(at, name, out);
        }
        if !field.absent {
            head(out, NULL, name);
        }
        Ok(())
    }))
}

fn value<'a>(values: &'a dyn Array, field: &'a FieldSpec) -> Done<Writer<'a>> {
    match field.kind.as_str() {
        "struct" => {
            let write = body(values, &field.fields)?;
            Ok(Box::new(move |at, name, out| {
                head(out, 0x03, name);
                write(at, name, out)
            }))
        }
        "array" => list(values, field.of.as_deref().ok_or(Unready)?),
        "int4" => number::<Int32Type, 4>(values, 0x10, |v| Some(v.to_le_bytes())),
        "int8" => number::<Int64Type, 8>(values, 0x12, |v| Some(v.to_le_bytes())),
        "float8" => number::<Float64Type, 8>(values, 0x01, |v| Some(v.to_le_bytes())),
        "timestamptz" => {
            number::<TimestampMicrosecondType, 8>(values, 0x09, |v| (v % 1000 == 0).then_some((v / 1000).to_le_bytes()))
        }
        "bool" => {
            let values = values.as_boolean_opt().ok_or(Unready)?;
            Ok(Box::new(move |at, name, out| {
                head(out, 0x08, name);
                out.push(u8::from(values.value(at)));
                Ok(())
            }))
        }
        "objectid" => bytes(values, 12, &[], 0x07),
        "uuid" => bytes(values, 16, &[16, 0, 0, 0, 4], 0x05),
        "bytea" => binary(values, field.subtype),
        "decimal128" => texts(values, decimal),
        "ejson" => texts(values, json_value::element),
        _ => texts(values, |value, name, out| {
            head(out, 0x02, name);
            text(out, value)
        }),
    }
}

fn number<'a, T: ArrowPrimitiveType, const N: usize>(
    values: &'a dyn Array,
    kind: u8,
    bytes: fn(T::Native) -> Option<[u8; N]>,
) -> Done<Writer<'a>> {
    let values = values.as_primitive_opt::<T>().ok_or(Unready)?;
    Ok(Box::new(move |at, name, out| {
        head(out, kind, name);
        out.extend_from_slice(&bytes(values.value(at)).ok_or(Unready)?);
        Ok(())
    }))
}

fn bytes<'a>(values: &'a dyn Array, width: i32, before: &'static [u8], kind: u8) -> Done<Writer<'a>> {
    let values = values.as_fixed_size_binary_opt().filter(|v| v.value_length() == width).ok_or(Unready)?;
    Ok(Box::new(move |at, name, out| {
        head(out, kind, name);
        out.extend_from_slice(before);
        out.extend_from_slice(values.value(at));
        Ok(())
    }))
}

/// The old form of binary data, subtype 2, says its length twice.
fn binary<'a>(values: &'a dyn Array, subtype: u8) -> Done<Writer<'a>> {
    let values = values.as_binary_opt::<i32>().ok_or(Unready)?;
    Ok(Box::new(move |at, name, out| {
        head(out, 0x05, name);
        let length = i32::try_from(values.value(at).len()).map_err(|_| Unready)?;
        let whole = if subtype == 2 { length.checked_add(4).ok_or(Unready)? } else { length };
        out.extend_from_slice(&whole.to_le_bytes());
        out.push(subtype);
        if subtype == 2 {
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(values.value(at));
        Ok(())
    }))
}

fn texts<'a>(values: &'a dyn Array, write: impl Fn(&[u8], &[u8], &mut Vec<u8>) -> Done<()> + 'a) -> Done<Writer<'a>> {
    let values = values.as_string_opt::<i32>().ok_or(Unready)?;
    Ok(Box::new(move |at, name, out| write(values.value(at).as_bytes(), name, out)))
}

/// A plain number by its digits: IEEE 754's form with a binary coefficient.
fn decimal(value: &[u8], name: &[u8], out: &mut Vec<u8>) -> Done<()> {
    let (negative, digits) = value.strip_prefix(b"-").map_or((0, value), |rest| (1, rest));
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    let is_plain = !whole.is_empty() && (point == digits.len() || !fraction.is_empty());
    if !is_plain || whole.len() + fraction.len() > DIGITS {
        return Err(Unready);
    }
    let mut coefficient = 0_u128;
    for digit in whole.iter().chain(fraction) {
        coefficient = coefficient * 10 + u128::from(digit.checked_sub(b'0').filter(|d| *d < 10).ok_or(Unready)?);
    }
    let bits = coefficient | (BIAS - fraction.len() as u128) << 113 | negative << 127;
    head(out, 0x13, name);
    out.extend_from_slice(&bits.to_le_bytes());
    Ok(())
}

fn list<'a>(values: &'a dyn Array, of: &'a FieldSpec) -> Done<Writer<'a>> {
    let lists = values.as_list_opt::<i32>().ok_or(Unready)?;
    let write = element(lists.values().as_ref(), of)?;
    Ok(Box::new(move |at, name, out| {
        head(out, 0x04, name);
        let (start, end) = (lists.value_offsets()[at] as usize, lists.value_offsets()[at + 1] as usize);
        let mut index = itoa::Buffer::new();
        nested(out, |out| (start..end).try_for_each(|at| write(at, index.format(at - start).as_bytes(), out)))
    }))
}
