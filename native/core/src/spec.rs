//! What Python hands over: the rule and the columns as flat lists, so that no nesting is deep.

use serde::Deserialize;

/// A node of the shape with what it allows; the first of the list is the document itself.
#[derive(Deserialize)]
pub struct RuleSpec {
    pub types: Vec<String>,
    /// Whether dates have to be such as a timestamp holds.
    pub dates: bool,
    /// Whether UUIDs have to have 16 bytes.
    pub uuids: bool,
    pub fields: Vec<(String, usize)>,
    pub element: Option<usize>,
    /// The values of a map, whatever their keys.
    pub entry: Option<usize>,
}

#[derive(Deserialize)]
pub struct ColumnsSpec {
    /// Where the list of all columns has those of the table; the others are the elements of lists.
    pub top: Vec<usize>,
    pub columns: Vec<ColumnSpec>,
    /// How orjson prints 1e16: with a plus or without.
    pub plus: bool,
}

#[derive(Deserialize)]
pub struct ColumnSpec {
    pub name: String,
    /// Names of fields, as they stand in documents.
    pub path: Vec<String>,
    /// A node's kind, or a form.
    pub form: String,
    #[serde(default)]
    pub elements: Vec<usize>,
    #[serde(default)]
    pub without: Vec<Vec<StepSpec>>,
}

/// A field's name, or (true) into the values of a map, or (null) into the elements of an array.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum StepSpec {
    Name(String),
    Entry(#[allow(dead_code)] bool),
    Element,
}
