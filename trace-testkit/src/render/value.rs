use std::fmt;

use tracing_core_ctx::attribute::{Array, ValueRef};

/// A value as it would stand in code: texts are quoted, so that `80` and `"80"` differ.
pub(crate) struct Shown<'a>(pub(crate) ValueRef<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ValueRef::Array(Array::Bool(list)) => write!(f, "{list:?}"),
            ValueRef::Array(Array::F64(list)) => write!(f, "{list:?}"),
            ValueRef::Array(Array::I64(list)) => write!(f, "{list:?}"),
            ValueRef::Array(Array::Str(list)) => write!(f, "{list:?}"),
            ValueRef::Bool(flag) => write!(f, "{flag}"),
            ValueRef::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
            ValueRef::F64(number) => write!(f, "{number:?}"),
            ValueRef::I64(number) => write!(f, "{number}"),
            ValueRef::Str(text) => write!(f, "{text:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}
