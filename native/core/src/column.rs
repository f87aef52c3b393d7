//! Columns under construction: one builder for each, which becomes an Arrow array at the end.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array, ListArray,
    NullArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::cut::rest;
use crate::decimal::Decimal;
use crate::plan::{Column, Form, List};
use crate::raw::*;
use crate::texts::{Spelling, canonical, hex, plain};
use crate::unable::Unable;

type Done<T> = Result<T, Unable>;

/// The values of a column so far, and whether each exists.
pub struct Builder<'p, 'a> {
    form: &'p Form,
    spelling: Spelling,
    values: Values<'p, 'a>,
    valid: BooleanBufferBuilder,
    any_null: bool,
}

enum Values<'p, 'a> {
    Null,
    Int(Vec<i32>),
    Long(Vec<i64>),
    Double(Vec<f64>),
    Bool(BooleanBufferBuilder),
    Bytes(Bytes),
    Uuids(Vec<u8>),
    List(Elements<'p, 'a>),
}

#[derive(Default)]
struct Bytes {
    data: Vec<u8>,
    ends: Vec<i32>,
}

struct Elements<'p, 'a> {
    list: &'p List,
    ends: Vec<i32>,
    count: usize,
    slots: Vec<Option<Value<'a>>>,
    columns: Vec<Builder<'p, 'a>>,
}

impl<'p, 'a> Builder<'p, 'a> {
    pub fn new(column: &'p Column, spelling: Spelling) -> Self {
        let values = match &column.form {
            Form::Null => Values::Null,
            Form::Int => Values::Int(Vec::new()),
            Form::Long | Form::Date => Values::Long(Vec::new()),
            Form::Double => Values::Double(Vec::new()),
            Form::Bool | Form::Present => Values::Bool(BooleanBufferBuilder::new(0)),
            Form::OidUuid => Values::Uuids(Vec::new()),
            Form::List(list) => Values::List(Elements::new(list, spelling)),
            _ => Values::Bytes(Bytes { data: Vec::new(), ends: vec![0] }),
        };
        Builder { form: &column.form, spelling, values, valid: BooleanBufferBuilder::new(0), any_null: false }
    }

    /// Appends the next row's value; None if the place is missing, or if its path goes through something else.
    pub fn append(&mut self, value: Option<Value<'a>>) -> Done<()> {
        let there = match value {
            Some(value) if !value.is_null() => self.push(value)?,
            _ => self.push_absent(value.is_some())?,
        };
        if !there {
            self.any_null = true;
        }
        self.valid.append(there);
        Ok(())
    }

    /// Appends the name of a field.
    fn append_key(&mut self, name: &[u8]) -> Done<()> {
        if let Values::Bytes(all) = &mut self.values {
            all.data.extend_from_slice(name);
            all.end()?;
        }
        self.valid.append(true);
        Ok(())
    }

    /// Appends a place that is null or missing. Returns whether the column has a value nevertheless.
    fn push_absent(&mut self, is_null: bool) -> Done<bool> {
        match &mut self.values {
            Values::Null => {}
            Values::Int(all) => all.push(0),
            Values::Long(all) => all.push(0),
            Values::Double(all) => all.push(0.0),
            Values::Bool(all) => {
                all.append(is_null);
                return Ok(matches!(self.form, Form::Present));
            }
            Values::Uuids(all) => all.extend_from_slice(&[0; 16]),
            Values::Bytes(all) => return all.push_absent(is_null && matches!(self.form, Form::Type)),
            Values::List(list) => list.end()?,
        }
        Ok(false)
    }

    /// Appends an existing value. Returns whether anything is left of it.
    #[inline]
    fn push(&mut self, value: Value<'a>) -> Done<bool> {
        match (&mut self.values, self.form, value.tag) {
            (Values::Int(all), _, INT) => all.push(value.i32()),
            (Values::Long(all), Form::Long, LONG) => all.push(value.i64()),
            (Values::Long(all), Form::Long, INT) => all.push(i64::from(value.i32())),
            (Values::Long(all), Form::Date, DATE) => all.push(microseconds(value)?),
            (Values::Double(all), _, DOUBLE) => all.push(value.f64()),
            (Values::Bool(all), Form::Present, _) => all.append(true),
            (Values::Bool(all), _, BOOL) => all.append(value.bool()),
            (Values::Uuids(all), _, OBJECT_ID) => all.extend_from_slice(&oid_uuid(value.data)),
            (Values::Bytes(all), form, _) => return all.push(value, form, self.spelling),
            (Values::List(list), _, _) => return list.push(value),
            _ => return Err(Unable::Misplaced(value.tag)),
        }
        Ok(true)
    }

    pub fn finish(mut self) -> Done<ArrayRef> {
        let nulls = self.any_null.then(|| NullBuffer::new(self.valid.finish()));
        Ok(match self.values {
            Values::Null => Arc::new(NullArray::new(self.valid.len().max(nulls.map_or(0, |n| n.len())))),
            Values::Int(all) => Arc::new(Int32Array::new(all.into(), nulls)),
            Values::Long(all) if matches!(self.form, Form::Date) => {
                Arc::new(TimestampMicrosecondArray::new(all.into(), nulls).with_timezone("UTC"))
            }
            Values::Long(all) => Arc::new(Int64Array::new(all.into(), nulls)),
            Values::Double(all) => Arc::new(Float64Array::new(all.into(), nulls)),
            Values::Bool(mut all) => Arc::new(BooleanArray::new(all.finish(), nulls)),
            Values::Uuids(all) => Arc::new(FixedSizeBinaryArray::try_new(16, Buffer::from_vec(all), nulls)?),
            Values::Bytes(all) => all.finish(self.form.is_text(), nulls)?,
            Values::List(list) => list.finish(nulls)?,
        })
    }
}

fn microseconds(value: Value<'_>) -> Done<i64> {
    value.i64().checked_mul(1000).ok_or(Unable::Misplaced(DATE))
}

/// The version 8 UUID of an ObjectId, as in crossfade_ids: its 12 bytes in order around the version and the
/// variant, and a tag.
fn oid_uuid(id: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    if let Ok(id) = <&[u8; 12]>::try_from(id) {
        out[..6].copy_from_slice(&id[..6]);
        out[6] = 0x80 | (id[6] >> 4);
        out[7] = (id[6] << 4) | (id[7] >> 4);
        out[8] = 0x80 | (id[7] & 0x0f);
        out[9..13].copy_from_slice(&id[8..]);
        out[13..].copy_from_slice(&[0xcf, 0x01, 0xd0]);
    }
    out
}

impl Bytes {
    #[inline]
    fn push(&mut self, value: Value<'_>, form: &Form, spelling: Spelling) -> Done<bool> {
        let out = &mut self.data;
        let mut there = true;
        match (form, value.tag) {
            (Form::Text, STRING) => out.extend_from_slice(value.text()),
            (Form::OidText, OBJECT_ID) => hex(value.data, out),
            (Form::Binary, OBJECT_ID) => out.extend_from_slice(value.data),
            (Form::Binary | Form::Uuid, BINARY) => out.extend_from_slice(value.binary()),
            (Form::Decimal, DECIMAL) => Decimal::of(value.data).write(out),
            (Form::Canonical, _) => canonical(value, out),
            (Form::Plain, _) => plain(value, spelling, out),
            (Form::Type, _) => type_name(value, out),
            (Form::Rest(cut), _) => there = rest(value, cut, spelling, out),
            _ => return Err(Unable::Misplaced(value.tag)),
        }
        self.end()?;
        Ok(there)
    }

    fn push_absent(&mut self, has_type: bool) -> Done<bool> {
        if has_type {
            self.data.extend_from_slice(b"null");
        }
        self.end()?;
        Ok(has_type)
    }

    #[inline]
    fn end(&mut self) -> Done<()> {
        self.ends.push(i32::try_from(self.data.len()).map_err(|_| Unable::TooLarge)?);
        Ok(())
    }

    fn finish(self, is_text: bool, nulls: Option<NullBuffer>) -> Done<ArrayRef> {
        let (ends, data) = (offsets(self.ends), Buffer::from_vec(self.data));
        Ok(if is_text {
            Arc::new(StringArray::try_new(ends, data, nulls)?)
        } else {
            Arc::new(BinaryArray::try_new(ends, data, nulls)?)
        })
    }
}

fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(ends))
}

impl<'p, 'a> Elements<'p, 'a> {
    fn new(list: &'p List, spelling: Spelling) -> Self {
        let columns = list.columns.iter().map(|column| Builder::new(column, spelling)).collect();
        Elements { list, ends: vec![0], count: 0, slots: vec![None; list.tree.slots], columns }
    }

    fn push(&mut self, value: Value<'a>) -> Done<bool> {
        let is_list = value.tag == if self.list.entries { OBJECT } else { ARRAY };
        if is_list {
            for (name, element) in value.fields() {
                self.element(name, element)?;
            }
        } else if self.list.single {
            self.element(b"", value)?;
        }
        self.end()?;
        Ok(is_list || self.list.single)
    }

    fn end(&mut self) -> Done<()> {
        self.ends.push(i32::try_from(self.count).map_err(|_| Unable::TooLarge)?);
        Ok(())
    }

    fn element(&mut self, name: &[u8], value: Value<'a>) -> Done<()> {
        self.count += 1;
        self.list.tree.find(value, &mut self.slots);
        for (column, builder) in self.list.columns.iter().zip(&mut self.columns) {
            if matches!(column.form, Form::Key) {
                builder.append_key(name)?;
                continue;
            }
            builder.append(self.slots.get(column.slot).copied().flatten())?;
        }
        Ok(())
    }

    fn finish(self, nulls: Option<NullBuffer>) -> Done<ArrayRef> {
        let item = self.list.item.clone();
        let columns = if self.columns.is_empty() {
            vec![Arc::new(Int32Array::from(vec![0; self.count])) as ArrayRef]
        } else {
            self.columns.into_iter().map(Builder::finish).collect::<Done<Vec<_>>>()?
        };
        let structs = StructArray::try_new_with_length(self.list.fields.clone(), columns, None, self.count)?;
        Ok(Arc::new(ListArray::try_new(item, offsets(self.ends), Arc::new(structs), nulls)?))
    }
}
