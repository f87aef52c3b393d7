//! Check in one pass whether a document is valid and fits the shape, and record where the columns' values are.
//!
//! The next field is predicted from the last document: fields are nearly always in the same order, so that a single
//! comparison finds the place of a field.

use memchr::memchr;

use crate::raw::*;
use crate::rule::{NOWHERE, Place};
use crate::walk::{self, No, bounds, cstring, scalar};

type Answer<T> = Result<T, No>;

pub struct Checker<'p, 'a> {
    places: &'p [Place],
    /// For each place, the field that followed it in the last document; for each parent, the first field.
    next: Vec<u32>,
    first: Vec<u32>,
    /// The object in which a place occurred last. Objects are numbered in order.
    met: Vec<u32>,
    object: u32,
    pub slots: Vec<Option<Value<'a>>>,
    raw: &'a [u8],
}

impl<'p, 'a> Checker<'p, 'a> {
    pub fn new(places: &'p [Place], slots: usize) -> Self {
        Checker {
            places,
            next: vec![0; places.len()],
            first: vec![0; places.len()],
            met: vec![0; places.len()],
            object: 0,
            slots: vec![None; slots],
            raw: &[],
        }
    }

    /// Checks a document. If it fits, `slots` has its values until the next call.
    pub fn fits(&mut self, raw: &'a [u8]) -> bool {
        self.raw = raw;
        self.slots.fill(None);
        let Some(root) = self.places.first() else { return false };
        if !root.allows(OBJECT) {
            return false;
        }
        if let Some(slot) = self.slots.get_mut(root.slot as usize) {
            *slot = Some(Value::document(raw));
        }
        matches!(self.document(0, raw.len(), 0, 1), Ok(end) if end == raw.len())
    }

    fn document(&mut self, at: usize, limit: usize, place: u32, depth: u32) -> Answer<usize> {
        let end = bounds(self.raw, at, limit, depth)?;
        let entry = self.places[place as usize].entry;
        if entry != NOWHERE {
            self.map(at + 4, end, entry, depth)?;
            return Ok(end);
        }
        self.object = self.object.wrapping_add(1);
        let object = self.object;
        let mut before = NOWHERE;
        let mut at = at + 4;
        while at < end - 1 {
            let (field, start) = self.field(at + 1, end - 1, place, before)?;
            let met = &mut self.met[field as usize];
            if *met == object {
                return Err(No); // twice in one object
            }
            *met = object;
            at = self.value(self.raw[at], start, end - 1, field, depth)?;
            before = field;
        }
        Ok(end)
    }

    /// Checks the values of a map, which are all one place. Keys are arbitrary, but unique.
    fn map(&mut self, mut at: usize, end: usize, entry: u32, depth: u32) -> Answer<()> {
        let mut names = Vec::new();
        while at < end - 1 {
            let (name, start) = cstring(self.raw, at + 1, end - 1)?;
            names.push(name);
            at = self.value(self.raw[at], start, end - 1, entry, depth)?;
        }
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) { Err(No) } else { Ok(()) }
    }

    /// Returns the place of the field whose name starts at `at`, and where its value starts.
    #[inline]
    fn field(&mut self, at: usize, limit: usize, parent: u32, before: u32) -> Answer<(u32, usize)> {
        let places = self.places;
        let guess = match self.next.get(before as usize) {
            Some(next) => *next,
            None => self.first[parent as usize],
        };
        let rest = self.raw.get(at..limit).unwrap_or_default();
        let name = &*places[guess as usize].name;
        if guess != 0 && rest.starts_with(name) {
            return Ok((guess, at + name.len()));
        }
        let size = memchr(0, rest).ok_or(No)?;
        let found = places[parent as usize].field(&rest[..size]).ok_or(No)?;
        match self.next.get_mut(before as usize) {
            Some(next) => *next = found,
            None => self.first[parent as usize] = found,
        }
        Ok((found, at + size + 1))
    }

    fn array(&mut self, at: usize, limit: usize, element: u32, depth: u32) -> Answer<usize> {
        let end = bounds(self.raw, at, limit, depth)?;
        let mut at = at + 4;
        while at < end - 1 {
            let (_, start) = cstring(self.raw, at + 1, end - 1)?;
            if element == NOWHERE {
                return Err(No);
            }
            at = self.value(self.raw[at], start, end - 1, element, depth)?;
        }
        Ok(end)
    }

    #[inline]
    fn value(&mut self, tag: u8, at: usize, limit: usize, place: u32, depth: u32) -> Answer<usize> {
        let rule = &self.places[place as usize];
        if rule.anything && (tag != NULL || rule.allows(NULL)) {
            let end = walk::value(self.raw, tag, at, limit, depth)?;
            if let Some(slot) = self.slots.get_mut(rule.slot as usize) {
                *slot = Some(Value { tag, data: &self.raw[at..end] });
            }
            return Ok(end);
        }
        if !rule.allows(tag) {
            return Err(No);
        }
        let end = match tag {
            OBJECT => self.document(at, limit, place, depth + 1)?,
            ARRAY => self.array(at, limit, rule.element, depth + 1)?,
            SCOPED => walk::value(self.raw, tag, at, limit, depth)?,
            _ => scalar(self.raw, tag, at, limit)?,
        };
        let value = Value { tag, data: &self.raw[at..end] };
        if matches!(tag, DATE | BINARY) && rule.misfit(value).is_some() {
            return Err(No);
        }
        if let Some(slot) = self.slots.get_mut(rule.slot as usize) {
            *slot = Some(value);
        }
        Ok(end)
    }
}
