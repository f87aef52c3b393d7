//! Convert a raw batch to Arrow, document by document, like records/bson/columns.Transcoder.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};

use crate::check::Checker;
use crate::column::Builder;
use crate::key_of;
use crate::offence::offence;
use crate::path::{Step, format_path};
use crate::plan::Plan;
use crate::raw::split;
use crate::unable::{LARGEST, Unable};
use crate::walk::{Fault, walk};

pub struct Read {
    pub batch: RecordBatch,
    /// The start and end of each row's document in the raw batch.
    pub bounds: Vec<(u32, u32)>,
    pub aside: Vec<Aside>,
}

/// A rejected document. For a duplicate key, `name` is the name, and Python formats the detail.
#[derive(Debug)]
pub struct Aside {
    pub position: usize,
    pub start: usize,
    pub end: usize,
    pub key: Option<String>,
    pub reason: &'static str,
    pub path: String,
    pub detail: String,
    pub name: Option<String>,
}

pub fn read(batch: &[u8], plan: &Plan) -> Result<Read, Unable> {
    if batch.len() > LARGEST {
        return Err(Unable::TooLarge);
    }
    let mut checker = Checker::new(&plan.places, plan.slots);
    let mut builders: Vec<_> = plan.columns.iter().map(|column| Builder::new(column, plan.spelling)).collect();
    let (mut bounds, mut aside, mut start) = (Vec::new(), Vec::new(), 0);
    for (position, raw) in split(batch).enumerate() {
        let end = start + raw.len();
        if checker.fits(raw) {
            for (column, builder) in plan.columns.iter().zip(&mut builders) {
                builder.append(checker.slots.get(column.slot).copied().flatten())?;
            }
            bounds.push((start as u32, end as u32));
        } else {
            aside.push(Aside { position, start, end, ..explained(raw, plan, position)? });
        }
        start = end;
    }
    let rows = Int64Array::from_iter_values(0..bounds.len() as i64);
    let mut columns: Vec<ArrayRef> = vec![Arc::new(rows)];
    for builder in builders {
        columns.push(builder.finish()?);
    }
    Ok(Read { batch: RecordBatch::try_new(plan.schema(), columns)?, bounds, aside })
}

/// Returns why the check failed.
#[cold]
fn explained(raw: &[u8], plan: &Plan, position: usize) -> Result<Aside, Unable> {
    let aside = |reason, path: &[Step], detail| Aside {
        position,
        start: 0,
        end: 0,
        key: key_of(raw),
        reason,
        path: format_path(path),
        detail,
        name: None,
    };
    let Err(e) = walk(raw) else {
        let found = offence(raw, &plan.places).ok_or(Unable::Unexplained { position })?;
        return Ok(aside(found.reason, &found.path, found.detail));
    };
    let (fault, path) = (e.fault, e.path());
    let name = match path.last() {
        Some(Step::Name(name)) if fault == Fault::Duplicate => Some(name.clone()),
        _ => None,
    };
    Ok(Aside { name, ..aside(fault.reason(), &path, fault.to_string()) })
}
