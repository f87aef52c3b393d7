//! The Python side of `crossfade_bson`: bytes in, Arrow capsules and plain Python values out.
//!
//! Nothing in this file is `unsafe`: arrow-rs creates the Arrow C structures and can release them, and PyO3 puts them
//! into capsules that drop them. While a batch is read, the GIL is released.

#![deny(unsafe_code)]

mod import;

use std::ffi::CStr;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{Field, Schema};
use crossfade_bson::{Aside, CountedKind, CountedPlace, Kept, Plan};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList, PyString, PyTuple};

/// The version of the interface; records/bson/native.py has the same number. It is incremented with every change.
const CONTRACT: u32 = 5;

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// Reads raw batches of an entity into a fixed set of columns. Many threads can use it at once.
#[pyclass(frozen)]
struct ColumnReader {
    plan: Arc<Plan>,
}

/// Position, start, end, key, reason, path, detail, and the name of a duplicate key.
type AsideTuple = (usize, usize, usize, Option<String>, &'static str, String, String, Option<String>);

#[pymethods]
impl ColumnReader {
    #[new]
    fn new(rule: &str, columns: &str) -> PyResult<Self> {
        let plan = Plan::new(rule, columns).map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(ColumnReader { plan: Arc::new(plan) })
    }

    /// Returns the batch as Arrow, the start and end of each row's document (pairs of 32-bit numbers), and rejections.
    fn read<'py>(&self, py: Python<'py>, raw: &[u8]) -> PyResult<(ArrowBatch, Bound<'py, PyBytes>, Vec<AsideTuple>)> {
        let read = unpanicked(|| py.detach(|| crossfade_bson::read(raw, &self.plan)))?.map_err(unable)?;
        let bounds: Vec<u8> =
            read.bounds.iter().flat_map(|(start, end)| [start.to_ne_bytes(), end.to_ne_bytes()]).flatten().collect();
        let aside = read.aside.into_iter().map(tuple).collect();
        Ok((ArrowBatch { batch: read.batch }, PyBytes::new(py, &bounds), aside))
    }
}

fn tuple(a: Aside) -> AsideTuple {
    (a.position, a.start, a.end, a.key, a.reason, a.path, a.detail, a.name)
}

/// None of this should happen; if it does, no result was returned that could be wrong, and there is another reader.
fn unable(why: impl Display) -> PyErr {
    PyRuntimeError::new_err(format!("crossfade-native: {why}; CROSSFADE_NATIVE=0 reads without it"))
}

/// A panic should not happen; if it does, it becomes an ordinary Python exception.
fn unpanicked<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| unable("a panic"))
}

/// A record batch with the Arrow PyCapsule interface.
#[pyclass(frozen)]
struct ArrowBatch {
    batch: RecordBatch,
}

#[pymethods]
impl ArrowBatch {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema; // the interface allows the producer to ignore it
        let schema = FFI_ArrowSchema::try_from(self.batch.schema().as_ref()).map_err(unable)?;
        let array = FFI_ArrowArray::new(&StructArray::from(self.batch.clone()).to_data());
        let schema = PyCapsule::new_with_value(py, schema, SCHEMA)?;
        let array = PyCapsule::new_with_value(py, array, ARRAY)?;
        PyTuple::new(py, [schema, array])
    }
}

/// Counts a batch: returns why documents cannot be read (reason and key), and every place with its statistics.
///
/// A place is the number of its parent (or None), its name (None for elements), and for each type its name, count,
/// least, greatest, least and greatest length, and up to three keys.
#[pyfunction]
fn count<'py>(py: Python<'py>, raw: &[u8]) -> PyResult<(Vec<Problem>, Bound<'py, PyList>)> {
    let counted = unpanicked(|| py.detach(|| crossfade_bson::count(raw)))?.map_err(unable)?;
    let places = counted.places.iter().map(|place| place_tuple(py, place)).collect::<PyResult<Vec<_>>>()?;
    Ok((counted.problems, PyList::new(py, places)?))
}

type Problem = (&'static str, Option<String>);

fn place_tuple<'py>(py: Python<'py>, place: &CountedPlace<'_>) -> PyResult<Bound<'py, PyAny>> {
    let name = place.name.map(|name| PyString::from_bytes(py, name)).transpose()?;
    let kinds = place.kinds.iter().map(|kind| kind_tuple(py, kind)).collect::<PyResult<Vec<_>>>()?;
    (place.parent, name, kinds).into_bound_py_any(py)
}

fn kind_tuple<'py>(py: Python<'py>, kind: &CountedKind<'_>) -> PyResult<Bound<'py, PyAny>> {
    let (least, greatest) = match kind.extremes {
        Some((least, greatest)) => (Some(kept(py, least)?), Some(kept(py, greatest)?)),
        None => (None, None),
    };
    let (shortest, longest) = kind.lengths.unzip();
    (&kind.name, kind.count, least, greatest, shortest, longest, &kind.keys).into_bound_py_any(py)
}

fn kept<'py>(py: Python<'py>, value: Kept<'_>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Kept::Int(value) => value.into_bound_py_any(py),
        Kept::Double(value) => value.into_bound_py_any(py),
        Kept::Bool(value) => value.into_bound_py_any(py),
        Kept::Text(text) => PyString::from_bytes(py, text)?.into_bound_py_any(py),
        Kept::Id(data) | Kept::Decimal(data) => PyBytes::new(py, data).into_bound_py_any(py),
        Kept::Timestamp(time, counter) => (time, counter).into_bound_py_any(py),
    }
}

/// Returns the digests of all documents, 16 bytes each, and the positions of those that cannot be read.
#[pyfunction]
fn digests<'py>(py: Python<'py>, raw: &[u8], ordered: bool) -> PyResult<(Bound<'py, PyBytes>, Vec<usize>)> {
    let (found, broken) = unpanicked(|| py.detach(|| crossfade_bson::digests(raw, ordered)))?;
    Ok((PyBytes::new(py, &found), broken))
}

/// A column's values in PostgreSQL's binary form, as a batch of one column of binary data; None where that takes the
/// reference: see `crossfade_bson::wire`.
#[pyfunction]
fn wire(
    py: Python<'_>,
    values: &Bound<'_, PyAny>,
    kind: &str,
    element: Option<&str>,
    oid: u32,
) -> PyResult<Option<ArrowBatch>> {
    let values = import::array_of(values)?;
    let element = element.map(|kind| (kind, oid));
    let Ok(made) = unpanicked(|| py.detach(|| crossfade_bson::wire(values.as_ref(), kind, element)))? else {
        return Ok(None);
    };
    one_column(made)
}

/// The rows of a struct as BSON documents, as a batch of one column of binary data; None where that takes the
/// reference: see `crossfade_bson::documents`.
#[pyfunction]
fn documents(py: Python<'_>, rows: &Bound<'_, PyAny>, spec: &str) -> PyResult<Option<ArrowBatch>> {
    let rows = import::array_of(rows)?;
    let Ok(made) = unpanicked(|| py.detach(|| crossfade_bson::documents(rows.as_ref(), spec)))? else {
        return Ok(None);
    };
    one_column(made)
}

/// JSON texts as canonical Extended JSON, as a batch of one column, NULL where that takes the reference; None if all
/// of them do: see `crossfade_bson::printed`.
#[pyfunction]
fn printed(py: Python<'_>, values: &Bound<'_, PyAny>) -> PyResult<Option<ArrowBatch>> {
    let values = import::array_of(values)?;
    let Ok(made) = unpanicked(|| py.detach(|| crossfade_bson::printed(values.as_ref())))? else {
        return Ok(None);
    };
    one_column(made)
}

fn one_column(made: ArrayRef) -> PyResult<Option<ArrowBatch>> {
    let schema = Schema::new(vec![Field::new("values", made.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![made]).map_err(unable)?;
    Ok(Some(ArrowBatch { batch }))
}

#[pymodule]
fn crossfade_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CONTRACT", CONTRACT)?;
    module.add_class::<ColumnReader>()?;
    module.add_function(wrap_pyfunction!(count, module)?)?;
    module.add_function(wrap_pyfunction!(digests, module)?)?;
    module.add_function(wrap_pyfunction!(wire, module)?)?;
    module.add_function(wrap_pyfunction!(documents, module)?)?;
    module.add_function(wrap_pyfunction!(printed, module)?)
}
