//! Digests of documents: records/bson/digest.py.

use blake2b_simd::Params;

use crate::histogram::Counter;
use crate::raw::*;

pub const SIZE: usize = 16;

/// The concatenated digests of a batch's documents, and the positions of those that cannot be read, which have zeros
/// as digests.
pub fn digests(batch: &[u8], ordered: bool) -> (Vec<u8>, Vec<usize>) {
    let mut hash = Params::new();
    hash.hash_length(SIZE);
    let mut reader = Counter::new();
    let (mut out, mut broken, mut text) = (Vec::new(), Vec::new(), Vec::new());
    for (position, raw) in split(batch).enumerate() {
        if reader.document_onto_tape(raw) {
            text.clear();
            write_document(Value::document(raw), ordered, &mut text);
            out.extend_from_slice(hash.hash(&text).as_bytes());
        } else {
            out.extend_from_slice(&[0; SIZE]);
            broken.push(position);
        }
    }
    (out, broken)
}

/// A normalized object or array.
fn write_document(value: Value<'_>, ordered: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    if value.tag == ARRAY {
        for (index, (_, child)) in value.fields().enumerate() {
            write_field(itoa::Buffer::new().format(index).as_bytes(), child, ordered, out);
        }
    } else if ordered {
        value.fields().for_each(|(name, child)| write_field(name, child, ordered, out));
    } else {
        let mut fields: Vec<_> = value.fields().collect();
        fields.sort_by_key(|(name, _)| *name);
        fields.into_iter().for_each(|(name, child)| write_field(name, child, ordered, out));
    }
    out.push(0);
    write_length(start, out);
}

fn write_field(name: &[u8], value: Value<'_>, ordered: bool, out: &mut Vec<u8>) {
    out.push(value.tag);
    out.extend_from_slice(name);
    out.push(0);
    match value.tag {
        OBJECT | ARRAY => write_document(value, ordered, out),
        SCOPED => {
            let start = out.len();
            let code = value.scoped();
            let text = code.data.len() - code.behind_text().len();
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&code.data[..text]);
            write_document(Value::document(code.behind_text()), ordered, out);
            write_length(start, out);
        }
        _ => out.extend_from_slice(value.data),
    }
}

/// Longer indexes can make a document larger than before, but its size always fits into four bytes.
fn write_length(start: usize, out: &mut [u8]) {
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}
