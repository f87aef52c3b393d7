//! Values in PostgreSQL's binary form: numerics and arrays, which the library that writes COPY does not support.
//!
//! The reference is stores/postgresql/writing/wire.py. If anything is unexpected here (another Arrow type, a text that is
//! not a number, a timestamp beyond the target's range), the result is `Unready`, and the reference converts the column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BinaryArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};

/// From 1970 to 2000, PostgreSQL's epoch.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// A column that is not converted here.
#[derive(Debug)]
pub struct Unready;

type Done<T> = Result<T, Unready>;

/// Writes one value of an array, by its index.
type Writer<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Done<()> + 'a>;

/// The values of a column in binary form; `element` is the kind of an array's elements, and its OID.
pub fn wire(values: &dyn Array, kind: &str, element: Option<(&str, u32)>) -> Done<ArrayRef> {
    let write = match element {
        Some((element, oid)) if kind == "array" => arrays(values, element, oid)?,
        _ => writer(values, kind)?,
    };
    let (mut data, mut ends) = (Vec::new(), vec![0]);
    for at in 0..values.len() {
        if values.is_valid(at) {
            write(at, &mut data)?;
        }
        ends.push(i32::try_from(data.len()).map_err(|_| Unready)?);
    }
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    let nulls = values.logical_nulls();
    let made = BinaryArray::try_new(ends, Buffer::from_vec(data), nulls).map_err(|_| Unready)?;
    Ok(Arc::new(made))
}

/// An array with one dimension, counted from 1. An empty array has no dimension.
fn arrays<'a>(values: &'a dyn Array, element: &str, oid: u32) -> Done<Writer<'a>> {
    let lists = values.as_list_opt::<i32>().ok_or(Unready)?;
    let elements = lists.values();
    let write = writer(elements, element)?;
    Ok(Box::new(move |at, out| {
        let (start, end) = (lists.value_offsets()[at] as usize, lists.value_offsets()[at + 1] as usize);
        let with_nulls = (start..end).any(|at| elements.is_null(at));
        put(out, &[i32::from(end > start).to_be_bytes(), i32::from(with_nulls).to_be_bytes(), oid.to_be_bytes()])?;
        if end > start {
            let count = i32::try_from(end - start).map_err(|_| Unready)?;
            put(out, &[count.to_be_bytes(), 1i32.to_be_bytes()])?;
        }
        for at in start..end {
            let length_at = out.len();
            put(out, &[(-1i32).to_be_bytes()])?; // NULL, until the length is known
            if elements.is_valid(at) {
                write(at, out)?;
                let length = i32::try_from(out.len() - length_at - 4).map_err(|_| Unready)?;
                out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }))
}

fn writer<'a>(values: &'a dyn Array, kind: &str) -> Done<Writer<'a>> {
    match kind {
        "int2" => primitive::<Int16Type, 2>(values, |v| Some(v.to_be_bytes())),
        "int4" => primitive::<Int32Type, 4>(values, |v| Some(v.to_be_bytes())),
        "int8" => primitive::<Int64Type, 8>(values, |v| Some(v.to_be_bytes())),
        "float4" => primitive::<Float32Type, 4>(values, |v| Some(v.to_be_bytes())),
        "float8" => primitive::<Float64Type, 8>(values, |v| Some(v.to_be_bytes())),
        "timestamptz" | "timestamp" => {
            primitive::<TimestampMicrosecondType, 8>(values, |v| Some(v.checked_sub(EPOCH_MICROS)?.to_be_bytes()))
        }
        "date" => primitive::<Date32Type, 4>(values, |v| Some(v.checked_sub(EPOCH_DAYS)?.to_be_bytes())),
        "time" => primitive::<Time64MicrosecondType, 8>(values, |v| Some(v.to_be_bytes())),
        "bool" => {
            let values = values.as_boolean_opt().ok_or(Unready)?;
            Ok(Box::new(move |at, out| put(out, &[[u8::from(values.value(at))]])))
        }
        "numeric" => {
            let values = values.as_string_opt::<i32>().ok_or(Unready)?;
            Ok(Box::new(move |at, out| numeric(values.value(at).as_bytes(), out)))
        }
        "text" | "char" | "json" | "enum" => texts(values, &[]),
        "jsonb" => texts(values, &[1]), // the version of the format, then the text
        "uuid" => {
            let values = values.as_fixed_size_binary_opt().ok_or(Unready)?;
            Ok(Box::new(move |at, out| put(out, &[values.value(at)])))
        }
        "bytea" => {
            let values = values.as_binary_opt::<i32>().ok_or(Unready)?;
            Ok(Box::new(move |at, out| put(out, &[values.value(at)])))
        }
        _ => Err(Unready),
    }
}

fn primitive<'a, T: ArrowPrimitiveType, const N: usize>(
    values: &'a dyn Array,
    bytes: fn(T::Native) -> Option<[u8; N]>,
) -> Done<Writer<'a>> {
    let values = values.as_primitive_opt::<T>().ok_or(Unready)?;
    Ok(Box::new(move |at, out| put(out, &[bytes(values.value(at)).ok_or(Unready)?])))
}

fn texts<'a>(values: &'a dyn Array, before: &'static [u8]) -> Done<Writer<'a>> {
    let values = values.as_string_opt::<i32>().ok_or(Unready)?;
    Ok(Box::new(move |at, out| {
        put(out, &[before])?;
        put(out, &[values.value(at)])
    }))
}

fn put(out: &mut Vec<u8>, parts: &[impl AsRef<[u8]>]) -> Done<()> {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_ref()));
    Ok(())
}

const NEGATIVE: u16 = 0x4000;

/// The digits in groups of four, the weight of the first group, the sign, and the scale.
fn numeric(text: &[u8], out: &mut Vec<u8>) -> Done<()> {
    let special = match text {
        b"NaN" => 0xC000,
        b"Infinity" => 0xD000,
        b"-Infinity" => 0xF000,
        _ => 0,
    };
    if special != 0 {
        return put(out, &[0, 0, special, 0].map(u16::to_be_bytes));
    }
    let (sign, digits) = text.strip_prefix(b"-").map_or((0, text), |rest| (NEGATIVE, rest));
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(Unready);
    }
    let before = whole.len().div_ceil(4); // groups
    let count = before + fraction.len().div_ceil(4);
    let lead = before * 4 - whole.len();
    let digit = |at: usize| match at.checked_sub(lead) {
        None => 0, // zeros before the first and after the last
        Some(at) if at < whole.len() => u16::from(whole[at] - b'0'),
        Some(at) => fraction.get(at - whole.len()).map_or(0, |byte| u16::from(byte - b'0')),
    };
    let group = |at: usize| (0..4).fold(0, |sum, place| sum * 10 + digit(at * 4 + place));
    let scale = u16::try_from(fraction.len()).map_err(|_| Unready)?;
    let Some(first) = (0..count).find(|at| group(*at) != 0) else {
        return put(out, &[0, 0, 0, scale].map(u16::to_be_bytes));
    };
    let last = (first..count).rev().find(|at| group(*at) != 0).unwrap_or(first);
    let kept = i16::try_from(last + 1 - first).map_err(|_| Unready)?;
    let weight = i16::try_from(before as i64 - 1 - first as i64).map_err(|_| Unready)?;
    put(out, &[kept.to_be_bytes(), weight.to_be_bytes(), sign.to_be_bytes(), scale.to_be_bytes()])?;
    (first..=last).for_each(|at| out.extend_from_slice(&group(at).to_be_bytes()));
    Ok(())
}
