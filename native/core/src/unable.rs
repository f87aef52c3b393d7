//! Errors for which a batch cannot be read at all.

use std::fmt;

use arrow_schema::ArrowError;

/// The largest batch that is accepted: its result stays below 2 GB, the limit of Arrow's texts.
pub const LARGEST: usize = 1 << 28;

/// Why a batch cannot be read here. None of it should happen; if it does, no result is returned that could be wrong.
#[derive(Debug)]
pub enum Unable {
    TooLarge,
    /// A value of this type in a column of another type: the check accepted it.
    Misplaced(u8),
    /// The check refuses a document, but the reason is not found.
    Unexplained {
        position: usize,
    },
    Arrow(ArrowError),
}

impl From<ArrowError> for Unable {
    fn from(e: ArrowError) -> Self {
        Unable::Arrow(e)
    }
}

impl fmt::Display for Unable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unable::TooLarge => write!(f, "the batch is larger than {LARGEST} bytes"),
            Unable::Misplaced(tag) => write!(f, "a value of type 0x{tag:02x} in a column of another type"),
            Unable::Unexplained { position } => write!(f, "document {position} fits and does not fit"),
            Unable::Arrow(e) => write!(f, "{e}"),
        }
    }
}
