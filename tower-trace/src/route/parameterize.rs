//! Being written.
pub(crate) fn parameterize<'a>(path: &'a str, _out: &'a mut String) -> &'a str { path }
