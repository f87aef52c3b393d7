//! What is left of a value when some paths are removed from it, as plain JSON (records/bson/rest.py).

use crate::raw::*;
use crate::spec::StepSpec;
use crate::texts::{PLAIN, Spelling, plain, quote};

/// What to remove at a place.
#[derive(Debug)]
pub enum Cut {
    Whole,
    /// The named parts inside it.
    Inside {
        fields: Vec<(Box<[u8]>, Cut)>,
        element: Option<Box<Cut>>,
        /// For a map: what is removed from every value.
        entry: Option<Box<Cut>>,
    },
}

impl Cut {
    fn nothing() -> Cut {
        Cut::Inside { fields: Vec::new(), element: None, entry: None }
    }

    pub fn of(paths: &[Vec<StepSpec>]) -> Cut {
        let mut cut = Cut::nothing();
        for path in paths {
            cut.add(path);
        }
        cut
    }

    fn add(&mut self, path: &[StepSpec]) {
        let Some((step, rest)) = path.split_first() else {
            *self = Cut::Whole;
            return;
        };
        let Cut::Inside { fields, element, entry } = self else { return }; // removed already
        let below = match step {
            StepSpec::Element => element.get_or_insert_with(|| Box::new(Cut::nothing())),
            StepSpec::Entry(_) => entry.get_or_insert_with(|| Box::new(Cut::nothing())),
            StepSpec::Name(name) => {
                let name = name.as_bytes();
                let at = fields.iter().position(|(known, _)| **known == *name).unwrap_or_else(|| {
                    fields.push((name.into(), Cut::nothing()));
                    fields.len() - 1
                });
                &mut fields[at].1
            }
        };
        below.add(rest);
    }
}

/// Writes the text of what is left. Returns false, and writes nothing, if that is nothing or an empty object.
pub fn rest(value: Value<'_>, cut: &Cut, spelling: Spelling, out: &mut Vec<u8>) -> bool {
    let is_empty_object = value.tag == OBJECT && value.fields().next().is_none();
    !is_empty_object && remove(value, cut, spelling, out)
}

/// Writes what is left. Returns false, and writes nothing, if that is nothing.
fn remove(value: Value<'_>, cut: &Cut, spelling: Spelling, out: &mut Vec<u8>) -> bool {
    let Cut::Inside { fields, element, entry } = cut else { return false };
    match (value.tag, element) {
        (OBJECT, _) => from_object(value, fields, entry.as_deref(), spelling, out),
        (ARRAY, Some(element)) => from_array(value, element, spelling, out),
        _ => {
            plain(value, spelling, out);
            true
        }
    }
}

/// An object that becomes empty is removed; one that was empty before is kept.
fn from_object(
    value: Value<'_>,
    fields: &[(Box<[u8]>, Cut)],
    entry: Option<&Cut>,
    spelling: Spelling,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let (mut had, mut kept) = (false, false);
    let mut dollars: Option<Vec<(usize, &[u8])>> = Some(Vec::new()); // None once a name has none
    out.push(b'{');
    for (name, child) in value.fields() {
        had = true;
        let before = out.len();
        if kept {
            out.push(b',');
        }
        let at = out.len();
        quote(name, out);
        out.push(b':');
        let stays = match fields.iter().find(|(known, _)| **known == *name).map(|(_, cut)| cut).or(entry) {
            Some(cut) => remove(child, cut, spelling, out),
            None => {
                plain(child, spelling, out);
                true
            }
        };
        if stays {
            kept = true;
            if name.first() != Some(&b'$') {
                dollars = None;
            } else if let Some(found) = &mut dollars {
                found.push((at, name));
            }
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
    if had && !kept {
        out.truncate(start);
    }
    if let Some(found) = dollars.filter(|found| PLAIN.has(found.iter().map(|(_, name)| *name))) {
        for (at, _) in found.iter().rev() {
            out.insert(at + 1, b'$');
        }
    }
    kept || !had
}

/// An array keeps its positions: an element that is removed becomes null, unless all of them are removed.
fn from_array(value: Value<'_>, cut: &Cut, spelling: Spelling, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let (mut had, mut kept) = (false, false);
    out.push(b'[');
    for (_, child) in value.fields() {
        if had {
            out.push(b',');
        }
        had = true;
        if remove(child, cut, spelling, out) {
            kept = true;
        } else {
            out.extend_from_slice(b"null");
        }
    }
    out.push(b']');
    if had && !kept {
        out.truncate(start);
    }
    kept || !had
}
