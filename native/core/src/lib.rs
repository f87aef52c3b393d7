//! Crossfade's processing of raw BSON without Python: the same as `crossfade.records.bson`, which is the reference.
//!
//! Functions for unchecked bytes return what is wrong with them (`walk::Fault`). Functions for a `Value` rely on bounds
//! that were checked against its document; with wrong bounds they read through `get`, find nothing, and are safe.
//!
//! A document is processed at most twice. `check` reads it once, knows the shape, and returns yes or no; it is nearly
//! always yes. If it is no, `walk` and `offence` return what and where, with the same messages as the reference.

#![forbid(unsafe_code)]

mod check;
mod column;
mod cut;
mod decimal;
mod digest;
mod documents;
mod double;
mod elements;
mod histogram;
mod json_value;
mod kept;
mod offence;
mod path;
mod plan;
mod printed;
mod raw;
mod read;
mod rule;
mod seen;
mod spec;
#[cfg(test)]
mod tests;
mod texts;
#[cfg(feature = "torture")]
#[allow(clippy::panic)] // to panic is what it is for
pub mod torture;
mod tree;
mod unable;
mod walk;
mod wire;

pub use digest::digests;
pub use documents::documents;
pub use histogram::{Counted, CountedPlace, count};
pub use kept::Kept;
pub use plan::{BadPlan, Plan};
pub use printed::printed;
pub use raw::{Value, split};
pub use read::{Aside, Read, read};
pub use seen::CountedKind;
pub use unable::Unable;
pub use walk::walk;
pub use wire::{Unready, wire};

use texts::canonical;

/// The canonical text of a document's `_id`, even if the rest is broken; None if it cannot be read.
pub fn key_of(raw: &[u8]) -> Option<String> {
    let id = walk::read_id(raw).ok()?;
    let mut text = Vec::new();
    canonical(id, &mut text);
    String::from_utf8(text).ok()
}
