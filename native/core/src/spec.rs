//! The input from Python: the rule and the columns as flat lists, without deep nesting.

use serde::Deserialize;

/// A node of the shape, with what it allows. The first of the list is the document itself.
#[derive(Deserialize)]
pub struct RuleSpec {
    pub types: Vec<String>,
    /// Whether dates have to fit into a timestamp.
    pub dates: bool,
    /// Whether UUIDs have to have 16 bytes.
    pub uuids: bool,
    pub fields: Vec<(String, usize)>,
    pub element: Option<usize>,
    /// The values of a map, whatever their keys.
    pub entry: Option<usize>,
    /// Whether any valid value is allowed, with whatever is in it.
    #[serde(default)]
    pub anything: bool,
}

#[derive(Deserialize)]
pub struct ColumnsSpec {
    /// The indexes of the table's columns in the list of all columns. The others belong to elements of lists.
    pub top: Vec<usize>,
    pub columns: Vec<ColumnSpec>,
    /// Whether orjson prints 1e16 with a plus.
    pub plus: bool,
}

#[derive(Deserialize)]
pub struct ColumnSpec {
    pub name: String,
    /// Names of fields, as in documents.
    pub path: Vec<String>,
    /// A node's kind, or a form.
    pub form: String,
    #[serde(default)]
    pub elements: Vec<usize>,
    #[serde(default)]
    pub without: Vec<Vec<StepSpec>>,
}

/// A step: a field's name, true for the values of a map, or null for the elements of an array.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum StepSpec {
    Name(String),
    Entry(#[allow(dead_code)] bool),
    Element,
}
