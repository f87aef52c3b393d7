//! Count a batch for the survey: every place with each type at it, like records/bson/count.Histogram.
//!
//! Documents are counted in the order of their keys' texts, so that the first few with a type at a place are those with
//! the least keys. A document is read once: its values are put on a tape, and are counted from there when the whole
//! document is known to be valid. Stored values point into the batch; nothing is copied.

use std::collections::HashMap;

use memchr::memchr;

use crate::kept::{Measured, measure};
use crate::key_of;
use crate::raw::*;
use crate::rule::NOWHERE;
use crate::seen::{CountedKind, Seen};
use crate::texts::canonical;
use crate::unable::Unable;
use crate::walk::{self, No, bounds, cstring, utf8, walk};

/// Characters of a key's text.
const LONGEST_EXAMPLE: usize = 1000;

/// The counts of a batch.
pub struct Counted<'a> {
    /// The reasons why documents cannot be read, each with its key.
    pub problems: Vec<(&'static str, Option<String>)>,
    /// The document itself first, parents before their children.
    pub places: Vec<CountedPlace<'a>>,
}

pub struct CountedPlace<'a> {
    /// The index of the parent in the list; None for the document itself.
    pub parent: Option<usize>,
    /// None for the elements of an array.
    pub name: Option<&'a [u8]>,
    pub kinds: Vec<CountedKind<'a>>,
}

struct Place<'a> {
    parent: u32,
    /// With its terminating zero, as in a document; empty for the elements of an array.
    name: &'a [u8],
    /// The first eight bytes of the name (or fewer, with a mask), and the last eight.
    head: u64,
    mask: u64,
    tail: u64,
    seen: Vec<Seen<'a>>,
    fields: HashMap<&'a [u8], u32>,
    element: u32,
    /// The fields below it, in the order in which valid documents have them.
    order: Vec<u32>,
    /// Fields that followed it, and those that were first inside it.
    next: [u32; 2],
    first: [u32; 2],
    /// The object in which it occurred last. Objects are numbered in order.
    met: u32,
}

impl<'a> Place<'a> {
    fn new(parent: u32, name: &'a [u8]) -> Self {
        let (head, mask) = name.iter().take(8).rev().fold((0, 0), |(head, mask), byte| {
            (head << 8 | u64::from(*byte), mask << 8 | 0xFF) // in the order in which eight bytes are read: the first is the lowest
        });
        Place {
            parent,
            name,
            head,
            mask,
            tail: name.last_chunk().map_or(0, |eight| u64::from_le_bytes(*eight)),
            seen: Vec::new(),
            fields: HashMap::new(),
            element: NOWHERE,
            order: Vec::new(),
            next: [0; 2],
            first: [0; 2],
            met: 0,
        }
    }

    /// Returns whether `rest` starts with its name. Comparing two words is faster than calling memcmp.
    #[inline]
    fn starts(&self, rest: &[u8]) -> bool {
        let (Some(first), Some(name)) = (rest.first_chunk(), rest.get(..self.name.len())) else { return false };
        if (u64::from_le_bytes(*first) ^ self.head) & self.mask != 0 {
            return false;
        }
        match name.last_chunk() {
            Some(last) if name.len() > 8 => {
                u64::from_le_bytes(*last) == self.tail && (name.len() <= 16 || name == self.name)
            }
            _ => true,
        }
    }
}

struct Entry<'a> {
    place: u32,
    value: Measured<'a>,
}

/// Reads documents, and remembers the places that it has seen, which also speeds up checking whether they are valid.
pub struct Counter<'a> {
    places: Vec<Place<'a>>,
    tape: Vec<Entry<'a>>,
    object: u32,
    raw: &'a [u8],
}

pub fn count(batch: &[u8]) -> Result<Counted<'_>, Unable> {
    match in_order(batch)? {
        Some(counted) => Ok(counted.done()),
        None => sorted(batch),
    }
}

/// Counts the usual case in one pass: documents in the order of their ObjectIds. None if they are not.
fn in_order(batch: &[u8]) -> Result<Option<Tally<'_>>, Unable> {
    let (mut tally, mut last) = (Tally::new(), &[][..]);
    for (position, raw) in split(batch).enumerate() {
        match walk::read_id(raw) {
            Ok(id) if id.tag == OBJECT_ID && id.data >= last => {
                tally.add(position, raw, id.data != last)?;
                last = id.data;
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(tally))
}

/// The documents in the order of their keys' texts; those without a key come last.
fn sorted(batch: &[u8]) -> Result<Counted<'_>, Unable> {
    let pieces: Vec<&[u8]> = split(batch).collect();
    let ids: Vec<Option<Value<'_>>> = pieces.iter().map(|raw| walk::read_id(raw).ok()).collect();
    if ids.iter().all(|id| id.is_some_and(|id| id.tag == OBJECT_ID)) {
        let keys: Vec<_> = ids.iter().map(|id| id.map(|id| id.data)).collect();
        return sorted_by(&keys, &pieces); // the same order as that of their texts
    }
    let keys: Vec<_> = pieces.iter().map(|raw| id_text(raw)).collect();
    sorted_by(&keys, &pieces)
}

fn sorted_by<'a, K: Ord>(keys: &[Option<K>], pieces: &[&'a [u8]]) -> Result<Counted<'a>, Unable> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|at| (keys[*at].is_none(), &keys[*at]));
    let (mut tally, mut last) = (Tally::new(), None);
    for position in order {
        let key = Some(&keys[position]);
        tally.add(position, pieces[position], key != last)?;
        last = key;
    }
    Ok(tally.done())
}

struct Tally<'a> {
    counter: Counter<'a>,
    /// The first document of each key, in the order of the keys: the number of an owner is its index here.
    documents: Vec<&'a [u8]>,
    problems: Vec<(&'static str, Option<String>)>,
}

impl<'a> Tally<'a> {
    fn new() -> Self {
        Tally { counter: Counter::new(), documents: Vec::new(), problems: Vec::new() }
    }

    fn add(&mut self, position: usize, raw: &'a [u8], is_new_key: bool) -> Result<(), Unable> {
        if is_new_key {
            self.documents.push(raw);
        }
        let owner = self.documents.len() as u32 - 1;
        if self.counter.document_onto_tape(raw) {
            self.counter.count_tape(owner);
        } else {
            let Err(e) = walk(raw) else { return Err(Unable::Unexplained { position }) };
            self.problems.push((e.fault.reason(), key_of(raw).map(example)));
        }
        Ok(())
    }

    fn done(self) -> Counted<'a> {
        let places = self.counter.counted(|owner| id_text(self.documents[owner as usize]));
        Counted { problems: self.problems, places }
    }
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

    /// Returns whether the document is valid; then all its values are on the tape.
    pub fn document_onto_tape(&mut self, raw: &'a [u8]) -> bool {
        self.raw = raw;
        self.tape.clear();
        self.tape.push(Entry { place: 0, value: Measured::container(OBJECT) });
        matches!(self.object(0, raw.len(), 0, 0, 1), Ok(end) if end == raw.len())
    }

    /// `entry`: the position of the object itself on the tape.
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
        self.tape[entry].value.size = size;
        Ok(end)
    }

    #[inline]
    fn field(&mut self, at: usize, limit: usize, parent: u32, before: u32) -> Answer<(u32, usize)> {
        let rest = self.raw.get(at..limit).unwrap_or_default();
        let guesses = match self.places.get(before as usize) {
            Some(place) => place.next,
            None => self.places[parent as usize].first,
        };
        for guess in guesses {
            let place = &self.places[guess as usize];
            if guess != 0 && place.starts(rest) {
                return Ok((guess, at + place.name.len()));
            }
        }
        let size = memchr(0, rest).ok_or(No)?;
        let field = self.known(parent, &rest[..=size])?;
        let guesses = match self.places.get_mut(before as usize) {
            Some(place) => &mut place.next,
            None => &mut self.places[parent as usize].first,
        };
        *guesses = [field, guesses[0]];
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
            let start = behind_index(self.raw, at + 1, end - 1)?;
            let element = self.element(place);
            at = self.value(self.raw[at], start, end - 1, element, depth)?;
            size += 1;
        }
        self.tape[entry].value.size = size;
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

    #[inline(always)]
    fn value(&mut self, tag: u8, at: usize, limit: usize, place: u32, depth: u32) -> Answer<usize> {
        let entry = self.tape.len();
        if tag == OBJECT || tag == ARRAY {
            self.tape.push(Entry { place, value: Measured::container(tag) });
            return match tag {
                OBJECT => self.object(at, limit, place, entry, depth + 1),
                _ => self.array(at, limit, place, entry, depth + 1),
            };
        }
        let (value, end) = measure(self.raw, tag, at, limit, depth)?;
        self.tape.push(Entry { place, value });
        Ok(end)
    }

    fn count_tape(&mut self, owner: u32) {
        for Entry { place: at, value } in &self.tape {
            let place = &mut self.places[*at as usize];
            if let Some(seen) = place.seen.iter_mut().find(|seen| seen.kind() == value.kind) {
                seen.add(value, owner);
                continue;
            }
            let mut seen = Seen::new(*value);
            seen.add(value, owner);
            place.seen.push(seen);
            let (parent, is_field) = (place.parent, !place.name.is_empty());
            if place.seen.len() == 1
                && is_field
                && let Some(parent) = self.places.get_mut(parent as usize)
            {
                parent.order.push(*at);
            }
        }
    }

    /// The places of valid documents, in the order of the reference implementation.
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
        let kinds = place.seen.iter().map(|seen| {
            let owners = if parent.is_some() { seen.owners() } else { &[] };
            seen.counted(owners.iter().filter_map(|owner| key_of(*owner)).collect())
        });
        CountedPlace { parent, name: place.name.split_last().map(|(_, name)| name), kinds: kinds.collect() }
    }
}

/// Returns the position after the name of an array's element, which is nearly always a short number.
#[inline]
fn behind_index(raw: &[u8], at: usize, limit: usize) -> Answer<usize> {
    let rest = raw.get(at..limit).unwrap_or_default();
    match rest.iter().take(4).position(|byte| !byte.is_ascii_digit()) {
        Some(end) if rest[end] == 0 => Ok(at + end + 1),
        _ => Ok(cstring(raw, at, limit)?.1),
    }
}
