//! The Python side of `crossfade_bson`: bytes in, Arrow capsules and plain Python values out.
//!
//! Nothing here is `unsafe`: the Arrow C structures are made by arrow-rs, which knows how to release them, and PyO3 puts
//! them into capsules that drop them. While a batch is read the interpreter is free to do other work.

#![deny(unsafe_code)]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, RecordBatch, StructArray};
use crossfade_bson::{Aside, Plan};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyTuple};

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// Reads raw batches of one entity into the columns it was made for; may be used by many threads at once.
#[pyclass(frozen)]
struct ColumnReader {
    plan: Arc<Plan>,
}

/// Position, start, end, key, reason, path, detail, and the name of a key that is there twice.
type AsideTuple = (usize, usize, usize, Option<String>, &'static str, String, String, Option<String>);

#[pymethods]
impl ColumnReader {
    #[new]
    fn new(rule: &str, columns: &str) -> PyResult<Self> {
        let plan = Plan::new(rule, columns).map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(ColumnReader { plan: Arc::new(plan) })
    }

    /// The batch as Arrow, where each row's document starts and ends (pairs of 32-bit numbers), and what is set aside.
    fn read<'py>(&self, py: Python<'py>, raw: &[u8]) -> PyResult<(ArrowBatch, Bound<'py, PyBytes>, Vec<AsideTuple>)> {
        let read = unpanicked(|| py.detach(|| crossfade_bson::read(raw, &self.plan)))?
            .map_err(|e| PyRuntimeError::new_err(e.to_string()))?;
        let bounds: Vec<u8> =
            read.bounds.iter().flat_map(|(start, end)| [start.to_ne_bytes(), end.to_ne_bytes()]).flatten().collect();
        let aside = read.aside.into_iter().map(tuple).collect();
        Ok((ArrowBatch { batch: read.batch }, PyBytes::new(py, &bounds), aside))
    }
}

fn tuple(a: Aside) -> AsideTuple {
    (a.position, a.start, a.end, a.key, a.reason, a.path, a.detail, a.name)
}

/// No panic may happen; one that does is Python's to hear of, as an exception like any other.
fn unpanicked<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| PyRuntimeError::new_err("the native reader panicked"))
}

/// A record batch for whoever speaks the Arrow PyCapsule interface.
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
        let _ = requested_schema; // the interface lets the producer hand out what it has
        let schema = FFI_ArrowSchema::try_from(self.batch.schema().as_ref())
            .map_err(|e| PyRuntimeError::new_err(e.to_string()))?;
        let array = FFI_ArrowArray::new(&StructArray::from(self.batch.clone()).to_data());
        let schema = PyCapsule::new_with_value(py, schema, SCHEMA)?;
        let array = PyCapsule::new_with_value(py, array, ARRAY)?;
        PyTuple::new(py, [schema, array])
    }
}

#[pymodule]
fn crossfade_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<ColumnReader>()
}
