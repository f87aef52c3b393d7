//! Properties that hold for arbitrary bytes, for the soak and the fuzzer; and documents of every type as seeds.
//!
//! Without the reference in Python this cannot check whether a result is right. It checks that there is one, that it
//! includes the whole batch, and that the quick readers and the exact one agree on which documents are valid.

use std::fmt::Write;

use crate::raw::*;
use crate::{CountedPlace, Plan, count, digests, read, split, walk};

/// Reads, counts and digests the batch. Panics if a property does not hold.
pub fn hold(plan: &Plan, batch: &[u8]) {
    let pieces: Vec<&[u8]> = split(batch).collect();
    assert_eq!(pieces.concat(), batch, "the pieces are the batch");
    let broken: Vec<usize> = (0..pieces.len()).filter(|at| walk(pieces[*at]).is_err()).collect();

    let read = read(batch, plan).unwrap_or_else(|e| panic!("not read: {e}"));
    assert_eq!(read.batch.num_rows(), read.bounds.len());
    let mut seen: Vec<(usize, usize)> =
        read.bounds.iter().map(|(start, end)| (*start as usize, *end as usize)).collect();
    seen.extend(read.aside.iter().map(|aside| (aside.start, aside.end)));
    seen.sort_unstable();
    let mut at = 0;
    for (start, end) in seen {
        assert_eq!(start, at, "every byte is in a row or aside, once");
        at = end;
    }
    assert_eq!(at, batch.len());
    let unreadable = |reason| matches!(reason, "broken" | "duplicate_key" | "invalid_utf8");
    let found: Vec<usize> = read.aside.iter().filter(|a| unreadable(a.reason)).map(|a| a.position).collect();
    assert_eq!(found, broken, "reader and walk agree");

    let counted = count(batch).unwrap_or_else(|e| panic!("not counted: {e}"));
    assert_eq!(counted.problems.len(), broken.len(), "counter and walk agree");
    let whole: u64 = counted.places[0].kinds.iter().map(|kind| kind.count).sum();
    assert_eq!(whole as usize, pieces.len() - broken.len());
    let _ = plan_of(&counted.places);

    for ordered in [true, false] {
        let (found, without) = digests(batch, ordered);
        assert_eq!(found.len(), 16 * pieces.len());
        assert_eq!(without, broken, "digester and walk agree");
    }
}

/// Makes a plan for a batch: its own shape, and every column in every form.
pub fn plan(batch: &[u8]) -> Plan {
    let counted = count(batch).unwrap_or_else(|e| panic!("not counted: {e}"));
    plan_of(&counted.places)
}

fn plan_of(places: &[CountedPlace<'_>]) -> Plan {
    let rule: Vec<String> = (0..places.len()).map(|at| rule_of(places, at)).collect();
    let mut columns = Columns { places, texts: Vec::new() };
    let top = columns.below(0, &mut Vec::new());
    let columns = format!("{{\"top\": {top:?}, \"plus\": true, \"columns\": [{}]}}", columns.texts.join(","));
    Plan::new(&format!("[{}]", rule.join(",")), &columns).unwrap_or_else(|e| panic!("no plan: {e}"))
}

fn rule_of(places: &[CountedPlace<'_>], at: usize) -> String {
    let mut types: Vec<&str> = places[at].kinds.iter().map(|kind| kind.name.as_str()).collect();
    if at == 0 {
        types.push("object");
    }
    let below = |field: bool| {
        let all = places.iter().enumerate();
        all.filter(move |(_, place)| place.parent == Some(at) && place.name.is_some() == field)
    };
    let fields: Vec<String> = below(true).map(|(number, place)| format!("[{},{number}]", name_of(place))).collect();
    let element = below(false).next().map_or("null".into(), |(number, _)| number.to_string());
    let even = at.is_multiple_of(2);
    format!(
        "{{\"types\": {types:?}, \"dates\": {even}, \"uuids\": {even}, \"fields\": [{}], \"element\": {element}}}",
        fields.join(",")
    )
}

fn name_of(place: &CountedPlace<'_>) -> String {
    let mut text = Vec::new();
    crate::texts::quote(place.name.unwrap_or_default(), &mut text);
    String::from_utf8(text).unwrap_or_else(|e| panic!("{e}"))
}

struct Columns<'a> {
    places: &'a [CountedPlace<'a>],
    texts: Vec<String>,
}

impl Columns<'_> {
    /// Returns the numbers of the columns at a place and below it.
    fn below(&mut self, at: usize, path: &mut Vec<String>) -> Vec<usize> {
        let mut numbers = Vec::new();
        for form in self.forms(at) {
            numbers.push(self.column(form, path, &[], "[]"));
        }
        numbers.push(self.column("rest", path, &[], "[[\"a\"],[\"b\",\"a\"],[\"c\",null,\"a\"]]"));
        for number in 0..self.places.len() {
            if self.places[number].parent != Some(at) {
                continue;
            }
            if self.places[number].name.is_some() {
                path.push(name_of(&self.places[number]));
                numbers.extend(self.below(number, path));
                path.pop();
            } else {
                let elements = self.below(number, &mut Vec::new());
                numbers.push(self.column("list", path, &elements, "[]"));
                let forms = ["ejson", "type"].map(|form| self.column(form, &[], &[], "[]"));
                numbers.push(self.column("listed", path, &forms, "[]"));
            }
        }
        numbers
    }

    fn column(&mut self, form: &str, path: &[String], elements: &[usize], without: &str) -> usize {
        let mut text = format!("{{\"name\": \"c\", \"form\": \"{form}\", \"path\": [{}]", path.join(","));
        let _ = write!(text, ", \"elements\": {elements:?}, \"without\": {without}}}");
        self.texts.push(text);
        self.texts.len() - 1
    }

    fn forms(&self, at: usize) -> Vec<&'static str> {
        let mut types: Vec<&str> = self.places[at].kinds.iter().map(|kind| kind.name.as_str()).collect();
        types.retain(|name| *name != "null");
        types.sort_unstable();
        let native = match types.as_slice() {
            ["binData:0"] => "binary",
            ["int", "long"] | ["long"] => "long",
            ["date"] if at.is_multiple_of(2) => "date", // where the rule above says that dates fit
            ["int"] => "int",
            ["double"] => "double",
            ["bool"] => "bool",
            ["string"] => "string",
            ["decimal"] => "decimal",
            ["objectId"] => "objectId",
            ["binData:4"] if at.is_multiple_of(2) => "uuid",
            _ => "mixed",
        };
        let mut forms = vec!["ejson", "json", "type", "present", native];
        if native == "objectId" {
            forms.extend(["oid_uuid", "oid_text"]);
        }
        forms
    }
}

/// Pseudorandom numbers (xorshift), the same for the same seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| if self.below(3) == 0 { 0 } else { self.below(256) as u8 }).collect()
    }
}

/// Some documents with every type and nesting.
pub fn documents(chance: &mut Chance) -> Vec<u8> {
    (0..1 + chance.below(4)).flat_map(|number| document(chance, number, 0)).collect()
}

const NAMES: [&str; 10] = ["a", "b", "c", "", "é", "a.b", "[]", "$ref", "\\[]", "0"];
const TEXTS: [&str; 9] =
    ["", "x", "é", "\u{1f600}", "\"\\", "a\0b", "\u{1}", "Straße", "many letters, so that it is long"];
const TAGS: [u8; 21] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0x7F, 0xFF];

fn document(chance: &mut Chance, number: usize, depth: usize) -> Vec<u8> {
    let mut body = Vec::new();
    if depth == 0 {
        field(&mut body, INT, "_id", &(number as i32).to_le_bytes());
    }
    let start = chance.below(NAMES.len());
    for at in 0..chance.below(6) {
        value(chance, &mut body, NAMES[(start + at) % NAMES.len()], depth);
    }
    framed(&body)
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 5) as u32;
    [&length.to_le_bytes(), body, &[0]].concat()
}

fn field(body: &mut Vec<u8>, tag: u8, name: &str, data: &[u8]) {
    body.push(tag);
    body.extend_from_slice(name.as_bytes());
    body.push(0);
    body.extend_from_slice(data);
}

fn value(chance: &mut Chance, body: &mut Vec<u8>, name: &str, depth: usize) {
    let tag = TAGS[chance.below(TAGS.len())];
    let tag = if depth > 4 && matches!(tag, OBJECT | ARRAY | SCOPED) { INT } else { tag };
    let text = TEXTS[chance.below(TEXTS.len())];
    let text = [&(text.len() as u32 + 1).to_le_bytes(), text.as_bytes(), &[0]].concat();
    let data = match tag {
        STRING | CODE | SYMBOL => text,
        OBJECT => document(chance, 0, depth + 1),
        ARRAY => {
            let mut elements = Vec::new();
            for index in 0..chance.below(4) {
                value(chance, &mut elements, &index.to_string(), depth + 1);
            }
            framed(&elements)
        }
        BINARY => {
            let size = [0, 3, 4, 16][chance.below(4)];
            let subtype = [0, 2, 3, 4, 5, 128][chance.below(6)];
            let inner = if subtype == OLD_BINARY { (size as u32).to_le_bytes().to_vec() } else { Vec::new() };
            let length = (inner.len() + size) as u32;
            [length.to_le_bytes().to_vec(), vec![subtype], inner, chance.bytes(size)].concat()
        }
        OBJECT_ID => chance.bytes(12),
        BOOL => vec![chance.below(2) as u8],
        DOUBLE | DATE | TIMESTAMP | LONG => chance.bytes(8),
        REGEX => [&b"a\0"[..], b"i\0"].concat(),
        POINTER => [text, chance.bytes(12)].concat(),
        SCOPED => {
            let inside = [text, document(chance, 0, depth + 1)].concat();
            [(inside.len() as u32 + 4).to_le_bytes().to_vec(), inside].concat()
        }
        INT => chance.bytes(4),
        DECIMAL => chance.bytes(16),
        _ => Vec::new(),
    };
    field(body, tag, name, &data);
}

/// Changes a bit, a byte or a length, removes or repeats some bytes, or truncates the end.
pub fn damage(chance: &mut Chance, batch: &mut Vec<u8>) {
    if batch.is_empty() {
        return;
    }
    let at = chance.below(batch.len());
    let end = (at + 1 + chance.below(8)).min(batch.len());
    match chance.below(7) {
        0 => batch[at] ^= 1 << chance.below(8),
        1 => batch[at] = TAGS[chance.below(TAGS.len())],
        2 => batch[at] = [0, 0xFF, 0x80, 0xC3, 0xED][chance.below(5)],
        3 => {
            let lengths = [0, 1, 4, 5, 14, batch.len() as i32, (batch.len() - at) as i32, i32::MAX, i32::MIN, -1];
            let length = lengths[chance.below(lengths.len())].to_le_bytes();
            let end = (at + 4).min(batch.len());
            batch[at..end].copy_from_slice(&length[..end - at]);
        }
        4 => drop(batch.drain(at..end)),
        5 => batch.extend_from_within(at..end),
        _ => batch.truncate(at),
    }
}
