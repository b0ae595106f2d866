use std::any::type_name;

use tracing_core_ctx::semconv;

/// What kind of error it is: the name of its type, without what stands in `<>`. Boxed ones are all alike.
pub(crate) fn error_type<E>() -> &'static str {
    let name = type_name::<E>();
    match name.split_once('<') {
        Some(("alloc::boxed::Box", _)) => semconv::error_type::OTHER,
        Some((name, _)) => name,
        None => name,
    }
}
