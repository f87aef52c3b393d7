//! Import Arrow arrays from Python: the only place that needs `unsafe`.

#![allow(unsafe_code)]

use arrow_array::ArrayRef;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::make_array;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::{ARRAY, SCHEMA};

/// Imports an array from any object with the Arrow PyCapsule interface. Its memory belongs to the producer, which is
/// notified when it is no longer needed.
pub fn array_of(value: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) =
        value.call_method0("__arrow_c_array__")?.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names hold these structures (the interface says so), and both live as long as the
    // capsules, which are held until the end of this function. `from_raw` takes the array out, leaving it marked as
    // released, so that nobody releases it twice. That the buffers are as the schema says is the producer's promise.
    let data = unsafe {
        let array = FFI_ArrowArray::from_raw(array.as_ptr());
        from_ffi(array, schema.as_ref())
    };
    Ok(make_array(data.map_err(|e| PyValueError::new_err(e.to_string()))?))
}
