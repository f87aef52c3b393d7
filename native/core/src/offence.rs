//! Find the first part of a valid document that does not fit the shape, with the message of the reference
//! (records/bson/strict.py).

use crate::path::Step;
use crate::raw::*;
use crate::rule::{Misfit, NOWHERE, Place};

pub struct Offence {
    pub reason: &'static str,
    pub path: Vec<Step>,
    pub detail: String,
}

pub fn offence(document: &[u8], places: &[Place]) -> Option<Offence> {
    let mut found = inside(Value::document(document), places, 0)?;
    found.path.reverse();
    Some(found)
}

fn inside(value: Value<'_>, places: &[Place], at: u32) -> Option<Offence> {
    let place = places.get(at as usize);
    if place.is_some_and(|place| place.anything && (value.tag != NULL || place.allows(NULL))) {
        return None;
    }
    if let Some(found) = misfit(value, place) {
        return Some(found);
    }
    match value.tag {
        OBJECT if place.is_some_and(|place| place.entry != NOWHERE) => {
            let entry = place.map_or(NOWHERE, |place| place.entry);
            let found = value.fields().find_map(|(_, child)| inside(child, places, entry));
            found.map(|found| found.below(Step::Entry))
        }
        OBJECT => value.fields().find_map(|(name, child)| match place.and_then(|place| place.field(name)) {
            Some(field) => inside(child, places, field).map(|found| found.below(Step::named(name))),
            None => Some(unseen(child).below(Step::named(name))),
        }),
        ARRAY => {
            let element = place.map_or(NOWHERE, |place| place.element);
            let found = value.fields().find_map(|(_, child)| inside(child, places, element));
            found.map(|found| found.below(Step::Element))
        }
        _ => None,
    }
}

impl Offence {
    fn new(reason: &'static str, detail: String) -> Offence {
        Offence { reason, path: Vec::new(), detail }
    }

    fn below(mut self, step: Step) -> Offence {
        self.path.push(step);
        self
    }
}

/// If no array had elements, the place of the elements allows nothing.
fn misfit(value: Value<'_>, place: Option<&Place>) -> Option<Offence> {
    let Some(place) = place else {
        return Some(unseen_type(value, "nothing"));
    };
    let range = "out_of_range";
    Some(match place.misfit(value)? {
        Misfit::Type => unseen_type(value, &place.said),
        Misfit::Date(ms) => Offence::new(range, format!("the date {ms} ms is beyond what a timestamp holds")),
        Misfit::Uuid(size) => Offence::new(range, format!("a UUID of {size} bytes")),
    })
}

fn unseen_type(value: Value<'_>, seen: &str) -> Offence {
    Offence::new("unseen_type", format!("{} where the survey saw {seen}", named(value)))
}

fn unseen(value: Value<'_>) -> Offence {
    Offence::new("unseen_path", format!("{} at a path that the survey did not see", named(value)))
}

fn named(value: Value<'_>) -> String {
    let mut name = Vec::new();
    type_name(value, &mut name);
    String::from_utf8_lossy(&name).into_owned()
}
