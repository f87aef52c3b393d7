//! Why a batch cannot be read at all.

use std::fmt;

use arrow_schema::ArrowError;

/// The largest batch that is taken: what is made of one stays below the 2 GB that Arrow's texts may have.
pub const LARGEST: usize = 1 << 28;

/// Why a batch cannot be read here. None of it may happen; if it does, nothing is handed out that could be wrong.
#[derive(Debug)]
pub enum Unable {
    TooLarge,
    /// A value of this type in a column that holds no such: the check let it through.
    Misplaced(u8),
    /// The check says no to a document and nobody finds out why.
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
