//! The rule of a shape and the requested columns, prepared once and used for every batch by any number of threads.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use crate::cut::Cut;
use crate::rule::{NOWHERE, Place, places};
use crate::spec::{ColumnSpec, ColumnsSpec, RuleSpec};
use crate::texts::Spelling;
use crate::tree::Tree;

/// Arrow's marker of a column with an extension type.
const EXTENSION: &str = "ARROW:extension:name";

#[derive(Debug)]
pub struct Plan {
    pub(crate) places: Vec<Place>,
    pub(crate) columns: Vec<Column>,
    pub(crate) slots: usize,
    pub(crate) spelling: Spelling,
    pub(crate) schema: SchemaRef,
}

/// A column: the slot of its values, and how they are converted.
#[derive(Debug)]
pub struct Column {
    name: String,
    pub slot: usize,
    pub form: Form,
}

#[derive(Debug)]
pub enum Form {
    Null,
    Int,
    Long,
    Double,
    Bool,
    Date,
    Text,
    Binary,
    Uuid,
    OidUuid,
    OidText,
    Decimal,
    Canonical,
    Plain,
    Type,
    Present,
    Rest(Cut),
    /// The key of an entry.
    Key,
    List(List),
}

#[derive(Debug)]
pub struct List {
    /// Whether a value that is not an array is a list of one.
    pub single: bool,
    /// Whether the elements are the fields of an object, each with its name.
    pub entries: bool,
    pub tree: Tree,
    pub columns: Vec<Column>,
    pub fields: Fields,
    pub item: FieldRef,
}

impl Form {
    pub fn is_text(&self) -> bool {
        !matches!(self, Form::Binary | Form::Uuid)
    }

    fn arrow(&self) -> DataType {
        match self {
            Form::Null => DataType::Null,
            Form::Int => DataType::Int32,
            Form::Long => DataType::Int64,
            Form::Double => DataType::Float64,
            Form::Bool | Form::Present => DataType::Boolean,
            Form::Date => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Form::Binary | Form::Uuid => DataType::Binary,
            Form::OidUuid => DataType::FixedSizeBinary(16),
            Form::List(list) => DataType::List(list.item.clone()),
            _ => DataType::Utf8,
        }
    }
}

impl Column {
    fn field(&self) -> FieldRef {
        let field = Field::new(&self.name, self.form.arrow(), true);
        Arc::new(match self.form {
            Form::Uuid => field.with_metadata(HashMap::from([("crossfade".into(), "uuid".into())])),
            Form::OidUuid => field.with_metadata(HashMap::from([(EXTENSION.into(), "arrow.uuid".into())])),
            _ => field,
        })
    }
}

/// The input from Python is not a valid plan: a bug in the interface of the two halves.
#[derive(Debug)]
pub struct BadPlan(String);

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<serde_json::Error> for BadPlan {
    fn from(e: serde_json::Error) -> Self {
        BadPlan(e.to_string())
    }
}

impl Plan {
    /// Reads the two texts that records/bson/native.py makes.
    pub fn new(rule: &str, columns: &str) -> Result<Plan, BadPlan> {
        let rule: Vec<RuleSpec> = serde_json::from_str(rule)?;
        let spec: ColumnsSpec = serde_json::from_str(columns)?;
        let mut places = places(&rule).map_err(BadPlan)?;
        let mut slots = 0;
        let mut made = Vec::new();
        for number in &spec.top {
            let (of, form) = compiled(&spec, *number, spec.columns.len())?;
            let slot = slot_at(&mut places, &of.path, &mut slots);
            made.push(Column { name: of.name.clone(), slot, form });
        }
        let row = Arc::new(Field::new("#row", DataType::Int64, true));
        let schema = Schema::new(std::iter::once(row).chain(made.iter().map(Column::field)).collect::<Fields>());
        let spelling = Spelling { plus: spec.plus };
        Ok(Plan { places, columns: made, slots, spelling, schema: Arc::new(schema) })
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// A path that is not in the shape gets a slot that is never filled; a document that has it is rejected.
fn slot_at(places: &mut [Place], path: &[String], slots: &mut usize) -> usize {
    let mut at = 0;
    for name in path {
        match places.get(at).and_then(|place| place.field(name.as_bytes())) {
            Some(field) => at = field as usize,
            None => return usize::MAX,
        }
    }
    let place = &mut places[at];
    if place.slot == NOWHERE {
        place.slot = *slots as u32;
        *slots += 1;
    }
    place.slot as usize
}

/// `deepest`: the nesting of lists is at most the number of columns, unless a list contains itself.
fn compiled(all: &ColumnsSpec, number: usize, deepest: usize) -> Result<(&ColumnSpec, Form), BadPlan> {
    let (Some(spec), Some(deepest)) = (all.columns.get(number), deepest.checked_sub(1)) else {
        return Err(BadPlan(format!("no column {number}")));
    };
    let form = match spec.form.as_str() {
        "null" => Form::Null,
        "int" => Form::Int,
        "long" => Form::Long,
        "double" => Form::Double,
        "bool" => Form::Bool,
        "date" => Form::Date,
        "string" => Form::Text,
        "objectId" | "binary" => Form::Binary,
        "uuid" => Form::Uuid,
        "oid_uuid" => Form::OidUuid,
        "oid_text" => Form::OidText,
        "decimal" => Form::Decimal,
        "mixed" | "ejson" => Form::Canonical,
        "json" => Form::Plain,
        "type" => Form::Type,
        "present" => Form::Present,
        "rest" => Form::Rest(Cut::of(&spec.without)),
        "key" => Form::Key,
        "list" | "listed" | "entries" => Form::List(list(all, spec, deepest)?),
        other => return Err(BadPlan(format!("no form {other:?}"))),
    };
    Ok((spec, form))
}

fn list(all: &ColumnsSpec, spec: &ColumnSpec, deepest: usize) -> Result<List, BadPlan> {
    let mut tree = Tree::new();
    let mut columns = Vec::new();
    for number in &spec.elements {
        let (of, form) = compiled(all, *number, deepest)?;
        columns.push(Column { name: of.name.clone(), slot: tree.slot(&of.path), form });
    }
    let fields: Fields = if columns.is_empty() {
        vec![Field::new("#", DataType::Int32, true)].into()
    } else {
        columns.iter().map(Column::field).collect()
    };
    let item = Arc::new(Field::new("item", DataType::Struct(fields.clone()), true));
    Ok(List { single: spec.form == "listed", entries: spec.form == "entries", tree, columns, fields, item })
}
