//! The parts of a BSON document, as they are written: the head of an element, texts, and what has a length before it.

use crate::wire::Unready;

pub(crate) type Done<T> = Result<T, Unready>;

/// Writes a length, what `write` writes, and the byte at the end.
pub(crate) fn nested(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Done<()>) -> Done<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    out.push(0);
    let length = i32::try_from(out.len() - start).map_err(|_| Unready)?;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Writes the type and the name of an element.
pub(crate) fn head(out: &mut Vec<u8>, kind: u8, name: &[u8]) {
    out.push(kind);
    out.extend_from_slice(name);
    out.push(0);
}

/// Writes a text with its length and the byte at its end.
pub(crate) fn text(out: &mut Vec<u8>, value: &[u8]) -> Done<()> {
    let length = i32::try_from(value.len() + 1).map_err(|_| Unready)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    out.push(0);
    Ok(())
}
