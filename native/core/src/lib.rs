//! What crossfade does with raw BSON, without Python: the same as `crossfade.records.bson`, which is its oracle.
//!
//! Functions that take bytes nobody has looked at say what is wrong with them (`walk::Fault`). Functions that take a
//! `Value` rely on its bounds having been held against its document; handed something else, they read through `get`,
//! find nothing, and do no harm.
//!
//! The work on a document is done twice at most. `check` goes through it once, knows the shape, and says yes or no; it
//! nearly always says yes. Where it says no, `walk` and `offence` say what and where, word for word as the oracle does.

#![forbid(unsafe_code)]

mod check;
mod column;
mod cut;
mod decimal;
mod digest;
mod double;
mod histogram;
mod kept;
mod offence;
mod path;
mod plan;
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
pub use histogram::{Counted, CountedPlace, count};
pub use kept::Kept;
pub use plan::{BadPlan, Plan};
pub use raw::{Value, split};
pub use read::{Aside, Read, read};
pub use seen::CountedKind;
pub use unable::Unable;
pub use walk::walk;
pub use wire::{Unready, wire};

use texts::canonical;

/// The canonical text of a document's `_id`, even where the rest of it is broken; None where it cannot be read.
pub fn key_of(raw: &[u8]) -> Option<String> {
    let id = walk::read_id(raw).ok()?;
    let mut text = Vec::new();
    canonical(id, &mut text);
    String::from_utf8(text).ok()
}
