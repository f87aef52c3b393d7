//! What the places of a shape allow: records/bson/strict.Rule, prepared for comparing bytes.

use crate::raw::*;
use crate::spec::RuleSpec;

pub const NOWHERE: u32 = u32::MAX;

/// The range of milliseconds since 1970 that PostgreSQL's timestamptz and Arrow's microseconds can both represent.
const DATE_LEAST_MS: i64 = -210_866_803_200_000;
const DATE_GREATEST_MS: i64 = 9_223_371_331_199_999;

/// A place. Places are referred to by their index in the list of all places.
#[derive(Debug)]
pub struct Place {
    /// With its terminating zero, as in a document.
    pub name: Box<[u8]>,
    types: u32,
    subtypes: [u64; 4],
    dates_fit: bool,
    uuids_fit: bool,
    /// By name.
    fields: Vec<(Box<[u8]>, u32)>,
    pub element: u32,
    /// The values of a map, or NOWHERE.
    pub entry: u32,
    /// Whether any valid value is allowed, with whatever is in it.
    pub anything: bool,
    /// The slot in which `check` puts the value for the columns, or NOWHERE.
    pub slot: u32,
    /// The types as listed by the reference.
    pub said: String,
}

/// Why a value does not fit its place.
pub enum Misfit {
    Type,
    Date(i64),
    Uuid(usize),
}

impl Place {
    pub fn field(&self, name: &[u8]) -> Option<u32> {
        let found = self.fields.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(self.fields[found].1)
    }

    /// Returns whether a value of this type is allowed here. `misfit` checks its subtype and range.
    #[inline]
    pub fn allows(&self, tag: u8) -> bool {
        self.types & bit_of(tag) != 0
    }

    /// Returns the type or the range of a value that is not allowed here. Its contents are not checked.
    #[inline]
    pub fn misfit(&self, value: Value<'_>) -> Option<Misfit> {
        if !self.allows(value.tag) {
            return Some(Misfit::Type);
        }
        match value.tag {
            BINARY => self.misfit_binary(value),
            DATE if self.dates_fit && !(DATE_LEAST_MS..=DATE_GREATEST_MS).contains(&value.i64()) => {
                Some(Misfit::Date(value.i64()))
            }
            _ => None,
        }
    }

    fn misfit_binary(&self, value: Value<'_>) -> Option<Misfit> {
        let subtype = value.subtype();
        if self.subtypes[usize::from(subtype >> 6)] >> (subtype & 63) & 1 == 0 {
            return Some(Misfit::Type);
        }
        let size = value.binary().len();
        (subtype == UUID && self.uuids_fit && size != 16).then_some(Misfit::Uuid(size))
    }
}

/// Reads the places of a rule from Python. Returns an error for an index outside of the list.
pub fn places(specs: &[RuleSpec]) -> Result<Vec<Place>, String> {
    if specs.is_empty() {
        return Err("a rule without a place".into());
    }
    let mut places: Vec<Place> = specs.iter().map(|spec| place(spec, specs.len())).collect::<Result<_, _>>()?;
    for spec in specs {
        for (name, number) in &spec.fields {
            places[*number].name = name.bytes().chain([0]).collect();
        }
    }
    Ok(places)
}

fn place(spec: &RuleSpec, count: usize) -> Result<Place, String> {
    let number =
        |n: usize| u32::try_from(n).ok().filter(|_| n < count).ok_or_else(|| format!("no place {n} among {count}"));
    let mut fields = Vec::new();
    for (name, at) in &spec.fields {
        let at = number(*at)?;
        if !name.contains('\0') {
            fields.push((name.as_bytes().into(), at)); // no field of a document could have other names
        }
    }
    fields.sort();
    let (types, subtypes) = types_of(&spec.types);
    let said = if spec.types.is_empty() { "nothing".into() } else { sorted(&spec.types) };
    let element = spec.element.map_or(Ok(NOWHERE), number)?;
    let entry = spec.entry.map_or(Ok(NOWHERE), number)?;
    Ok(Place {
        name: Box::default(),
        types,
        subtypes,
        dates_fit: spec.dates,
        uuids_fit: spec.uuids,
        fields,
        element,
        entry,
        anything: spec.anything,
        slot: NOWHERE,
        said,
    })
}

fn sorted(types: &[String]) -> String {
    let mut types = types.to_vec();
    types.sort();
    types.join(", ")
}

fn types_of(names: &[String]) -> (u32, [u64; 4]) {
    let (mut types, mut subtypes) = (0, [0; 4]);
    for name in names {
        if let Some(Ok(subtype)) = name.strip_prefix("binData:").map(str::parse::<u8>) {
            types |= bit_of(BINARY);
            subtypes[usize::from(subtype >> 6)] |= 1 << (subtype & 63);
        }
        types |= (0..=255).filter(|tag| *tag != BINARY && name_of(*tag) == name).map(bit_of).sum::<u32>();
    }
    (types, subtypes)
}
