//! The statistics of a type at a place within a batch, like records/bson/counted.Seen.

use std::cmp::Ordering;

use crate::kept::{Kept, Kind, Measured};

/// The number of example documents of a type at a place.
const EXAMPLES: usize = 3;

pub struct CountedKind<'a> {
    pub name: String,
    pub count: u64,
    pub extremes: Option<(Kept<'a>, Kept<'a>)>,
    /// Least and greatest.
    pub lengths: Option<(u32, u32)>,
    /// Texts of the least keys.
    pub keys: Vec<String>,
}

pub struct Seen<'a> {
    count: u64,
    least: Measured<'a>,
    greatest: Measured<'a>,
    ties: bool,
    shortest: u32,
    longest: u32,
    owners: [u32; EXAMPLES],
    owned: usize,
}

impl<'a> Seen<'a> {
    /// `first` has not been added yet.
    pub fn new(first: Measured<'a>) -> Self {
        Seen {
            count: 0,
            least: first,
            greatest: first,
            ties: first.kind.ties(),
            shortest: first.size,
            longest: first.size,
            owners: [0; EXAMPLES],
            owned: 0,
        }
    }

    #[inline(always)]
    pub fn add(&mut self, value: &Measured<'a>, owner: u32) {
        self.count += 1;
        if value.rank < self.least.rank {
            self.least = *value;
        } else if value.rank > self.greatest.rank {
            self.greatest = *value;
        } else if self.ties && (value.rank == self.least.rank || value.rank == self.greatest.rank) {
            self.add_tied(value);
        }
        self.shortest = self.shortest.min(value.size);
        self.longest = self.longest.max(value.size);
        if self.owned < EXAMPLES && (self.owned == 0 || self.owners[self.owned - 1] != owner) {
            self.owners[self.owned] = owner;
            self.owned += 1;
        }
    }

    fn add_tied(&mut self, value: &Measured<'a>) {
        if value.rank == self.least.rank {
            match value.kind.order(value.data, self.least.data) {
                Ordering::Less => self.least = *value,
                Ordering::Equal => return,
                Ordering::Greater => (),
            }
        }
        if value.rank == self.greatest.rank && value.kind.order(value.data, self.greatest.data).is_gt() {
            self.greatest = *value;
        }
    }

    #[inline]
    pub fn kind(&self) -> Kind {
        self.least.kind
    }

    /// The first few documents that have the type here.
    pub fn owners(&self) -> &[u32] {
        &self.owners[..self.owned]
    }

    pub fn counted(&self, keys: Vec<String>) -> CountedKind<'a> {
        let kind = self.kind();
        CountedKind {
            name: kind.name(),
            count: self.count,
            extremes: kind.kept(self.least.data).zip(kind.kept(self.greatest.data)),
            lengths: kind.has_size().then_some((self.shortest, self.longest)),
            keys,
        }
    }
}
