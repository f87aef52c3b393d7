//! The survey's counting of one batch: every place with each type it holds, as documents/count.Histogram counts.
//!
//! Documents are counted in the order of their keys' texts, so that the first few that hold a type at a place are those
//! with the least keys. A document is read once: its values go onto a tape, and are counted from there when all of it
//! is known to be whole. What is kept of values points into the batch; nothing is copied.

use std::collections::HashMap;

use memchr::memchr;

use crate::kept::{Kept, Kind, measure};
use crate::key_of;
use crate::raw::*;
use crate::read::Unable;
use crate::rule::NOWHERE;
use crate::texts::canonical;
use crate::walk::{self, No, bounds, cstring, scalar, utf8, walk};

/// Documents that are named as examples of a type at a place.
const EXAMPLES: usize = 3;
/// Characters of a key's text.
const LONGEST_EXAMPLE: usize = 1000;

/// What a batch holds.
pub struct Counted<'a> {
    /// Why documents cannot be read, each with its key.
    pub problems: Vec<(&'static str, Option<String>)>,
    /// The document itself first, parents before what is below them.
    pub places: Vec<CountedPlace<'a>>,
}

pub struct CountedPlace<'a> {
    /// Where the parent stands in the list; None of the document itself.
    pub parent: Option<usize>,
    /// None of an array's elements.
    pub name: Option<&'a [u8]>,
    pub kinds: Vec<CountedKind<'a>>,
}

pub struct CountedKind<'a> {
    pub name: String,
    pub count: u64,
    pub extremes: Option<(Kept<'a>, Kept<'a>)>,
    /// Least and greatest.
    pub lengths: Option<(u32, u32)>,
    /// Texts of the least keys.
    pub keys: Vec<String>,
}

struct Seen<'a> {
    kind: Kind,
    count: u64,
    extremes: Option<(Kept<'a>, Kept<'a>)>,
    lengths: Option<(u32, u32)>,
    owners: [u32; EXAMPLES],
    owned: usize,
}

impl<'a> Seen<'a> {
    fn new(kind: Kind) -> Self {
        Seen { kind, count: 0, extremes: None, lengths: None, owners: [0; EXAMPLES], owned: 0 }
    }

    #[inline]
    fn add(&mut self, kept: Option<Kept<'a>>, length: Option<u32>, owner: u32) {
        self.count += 1;
        if let Some(kept) = kept {
            let (least, greatest) = self.extremes.get_or_insert((kept, kept));
            if kept.order(least).is_lt() {
                *least = kept;
            } else if kept.order(greatest).is_gt() {
                *greatest = kept;
            }
        }
        if let Some(length) = length {
            let (least, greatest) = self.lengths.get_or_insert((length, length));
            *least = (*least).min(length);
            *greatest = (*greatest).max(length);
        }
        if self.owned < EXAMPLES && (self.owned == 0 || self.owners[self.owned - 1] != owner) {
            self.owners[self.owned] = owner;
            self.owned += 1;
        }
    }
}

struct Place<'a> {
    parent: u32,
    /// With its terminating zero, as it stands in a document; empty of an array's elements.
    name: &'a [u8],
    seen: Vec<Seen<'a>>,
    fields: HashMap<&'a [u8], u32>,
    element: u32,
    /// The fields below it in the order in which whole documents have them.
    order: Vec<u32>,
    /// The field that came after it in the last document, and the first inside it.
    next: u32,
    first: u32,
    /// In which object it was met last; objects are numbered as they come.
    met: u32,
}

impl<'a> Place<'a> {
    fn new(parent: u32, name: &'a [u8]) -> Self {
        Place {
            parent,
            name,
            seen: Vec::new(),
            fields: HashMap::new(),
            element: NOWHERE,
            order: Vec::new(),
            next: 0,
            first: 0,
            met: 0,
        }
    }
}

struct Entry<'a> {
    place: u32,
    /// Fields of an object, elements of an array.
    size: u32,
    value: Value<'a>,
}

/// Reads documents, and remembers what it saw where: which also makes it quick at telling whether they are whole.
pub struct Counter<'a> {
    places: Vec<Place<'a>>,
    tape: Vec<Entry<'a>>,
    object: u32,
    raw: &'a [u8],
}

pub fn count(batch: &[u8]) -> Result<Counted<'_>, Unable> {
    let pieces: Vec<&[u8]> = split(batch).collect();
    let order = by_key(&pieces);
    let mut counter = Counter::new();
    let mut problems = Vec::new();
    for (owner, number) in order.iter().enumerate() {
        let raw = pieces[*number as usize];
        if counter.document_onto_tape(raw) {
            counter.count_tape(owner as u32);
        } else {
            let Err(e) = walk(raw) else { return Err(Unable::Unexplained { position: *number as usize }) };
            problems.push((e.fault.reason(), key_of(raw).map(example)));
        }
    }
    let key_of = |owner: u32| id_text(pieces[order[owner as usize] as usize]);
    Ok(Counted { problems, places: counter.counted(key_of) })
}

/// The numbers of the documents in the order of their keys' texts; those without come first.
fn by_key(pieces: &[&[u8]]) -> Vec<u32> {
    let ids: Vec<Option<Value<'_>>> = pieces.iter().map(|raw| walk::read_id(raw).ok()).collect();
    let mut order: Vec<u32> = (0..pieces.len() as u32).collect();
    if ids.iter().all(|id| id.is_some_and(|id| id.tag == OBJECT_ID)) {
        order.sort_by_key(|at| ids[*at as usize].map(|id| id.data)); // as their texts are ordered
    } else {
        order.sort_by_cached_key(|at| id_text(pieces[*at as usize]).unwrap_or_default());
    }
    order
}

fn id_text(raw: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    canonical(walk::read_id(raw).ok()?, &mut text);
    String::from_utf8(text).ok().map(example)
}

fn example(text: String) -> String {
    match text.char_indices().nth(LONGEST_EXAMPLE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

type Answer<T> = Result<T, No>;

impl<'a> Counter<'a> {
    pub fn new() -> Self {
        Counter { places: vec![Place::new(NOWHERE, b"")], tape: Vec::new(), object: 0, raw: &[] }
    }

    /// Whether the document is whole; then all its values are on the tape.
    pub fn document_onto_tape(&mut self, raw: &'a [u8]) -> bool {
        self.raw = raw;
        self.tape.clear();
        self.tape.push(Entry { place: 0, size: 0, value: Value::document(raw) });
        matches!(self.object(0, raw.len(), 0, 0, 1), Ok(end) if end == raw.len())
    }

    /// `entry`: where on the tape the object itself stands.
    fn object(&mut self, at: usize, limit: usize, place: u32, entry: usize, depth: u32) -> Answer<usize> {
        let end = bounds(self.raw, at, limit, depth)?;
        self.object = self.object.wrapping_add(1);
        let object = self.object;
        let (mut before, mut size) = (NOWHERE, 0);
        let mut at = at + 4;
        while at < end - 1 {
            let (field, start) = self.field(at + 1, end - 1, place, before)?;
            let met = &mut self.places[field as usize].met;
            if *met == object {
                return Err(No); // twice in one object
            }
            *met = object;
            at = self.value(self.raw[at], start, end - 1, field, depth)?;
            before = field;
            size += 1;
        }
        self.tape[entry].size = size;
        Ok(end)
    }

    #[inline]
    fn field(&mut self, at: usize, limit: usize, parent: u32, before: u32) -> Answer<(u32, usize)> {
        let rest = self.raw.get(at..limit).unwrap_or_default();
        let guess = match self.places.get(before as usize) {
            Some(place) => place.next,
            None => self.places[parent as usize].first,
        };
        let name = self.places[guess as usize].name;
        if guess != 0 && rest.starts_with(name) {
            return Ok((guess, at + name.len()));
        }
        let size = memchr(0, rest).ok_or(No)?;
        let field = self.known(parent, &rest[..=size])?;
        match self.places.get_mut(before as usize) {
            Some(place) => place.next = field,
            None => self.places[parent as usize].first = field,
        }
        Ok((field, at + size + 1))
    }

    fn known(&mut self, parent: u32, name: &'a [u8]) -> Answer<u32> {
        if let Some(found) = self.places[parent as usize].fields.get(name) {
            return Ok(*found);
        }
        utf8(&name[..name.len() - 1])?;
        let made = self.places.len() as u32;
        self.places.push(Place::new(parent, name));
        self.places[parent as usize].fields.insert(name, made);
        Ok(made)
    }

    fn array(&mut self, at: usize, limit: usize, place: u32, entry: usize, depth: u32) -> Answer<usize> {
        let end = bounds(self.raw, at, limit, depth)?;
        let (mut at, mut size) = (at + 4, 0);
        while at < end - 1 {
            let (_, start) = cstring(self.raw, at + 1, end - 1)?;
            let element = self.element(place);
            at = self.value(self.raw[at], start, end - 1, element, depth)?;
            size += 1;
        }
        self.tape[entry].size = size;
        Ok(end)
    }

    fn element(&mut self, place: u32) -> u32 {
        let known = self.places[place as usize].element;
        if known != NOWHERE {
            return known;
        }
        let made = self.places.len() as u32;
        self.places.push(Place::new(place, b""));
        self.places[place as usize].element = made;
        made
    }

    #[inline]
    fn value(&mut self, tag: u8, at: usize, limit: usize, place: u32, depth: u32) -> Answer<usize> {
        let entry = self.tape.len();
        self.tape.push(Entry { place, size: 0, value: Value { tag, data: &[] } });
        let end = match tag {
            OBJECT => self.object(at, limit, place, entry, depth + 1)?,
            ARRAY => self.array(at, limit, place, entry, depth + 1)?,
            SCOPED => walk::value(self.raw, tag, at, limit, depth)?,
            _ => scalar(self.raw, tag, at, limit)?,
        };
        self.tape[entry].value.data = &self.raw[at..end];
        Ok(end)
    }

    fn count_tape(&mut self, owner: u32) {
        for Entry { place: at, size, value } in self.tape.drain(..) {
            let place = &mut self.places[at as usize];
            let is_new = place.seen.is_empty();
            let kind = Kind::of(value);
            let (kept, length) = measure(value, size);
            match place.seen.iter_mut().find(|seen| seen.kind == kind) {
                Some(seen) => seen.add(kept, length, owner),
                None => {
                    let mut seen = Seen::new(kind);
                    seen.add(kept, length, owner);
                    place.seen.push(seen);
                }
            }
            let (parent, is_field) = (place.parent, !place.name.is_empty());
            if is_new
                && is_field
                && let Some(parent) = self.places.get_mut(parent as usize)
            {
                parent.order.push(at);
            }
        }
    }

    /// The places that whole documents have; in the order in which the oracle comes to them.
    fn counted(&self, key_of: impl Fn(u32) -> Option<String>) -> Vec<CountedPlace<'a>> {
        let mut out = vec![self.counted_place(0, None, &key_of)];
        let mut pending = vec![(0, 0)];
        while let Some((at, index)) = pending.pop() {
            let place = &self.places[at as usize];
            for below in place.order.iter().copied().chain([place.element]) {
                if self.places.get(below as usize).is_some_and(|place| !place.seen.is_empty()) {
                    pending.push((below, out.len()));
                    out.push(self.counted_place(below, Some(index), &key_of));
                }
            }
        }
        out
    }

    fn counted_place(
        &self,
        at: u32,
        parent: Option<usize>,
        key_of: &impl Fn(u32) -> Option<String>,
    ) -> CountedPlace<'a> {
        let place = &self.places[at as usize];
        let kinds = place.seen.iter().map(|seen| CountedKind {
            name: seen.kind.name(),
            count: seen.count,
            extremes: seen.extremes.map(|(least, greatest)| (least.short(), greatest.short())),
            lengths: seen.lengths,
            keys: match parent {
                Some(_) => seen.owners[..seen.owned].iter().filter_map(|owner| key_of(*owner)).collect(),
                None => Vec::new(),
            },
        });
        CountedPlace { parent, name: place.name.split_last().map(|(_, name)| name), kinds: kinds.collect() }
    }
}
