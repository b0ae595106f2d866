use super::{KeyRef, ValueRef};

/// Takes the attributes of a table one after the other, each by the kind of its value: for exporters, which have many to write. See
/// [`Attributes::visit`](super::Attributes::visit).
pub trait Visitor {
    /// True or false.
    fn flag(&mut self, key: KeyRef<'_>, flag: bool);

    /// A floating-point number.
    fn float(&mut self, key: KeyRef<'_>, number: f64);

    /// A whole number.
    fn integer(&mut self, key: KeyRef<'_>, number: i64);

    /// A value of any other type.
    fn other(&mut self, key: KeyRef<'_>, value: ValueRef<'_>);

    /// A text, as its UTF-8 bytes.
    fn text(&mut self, key: KeyRef<'_>, text: &[u8]);
}
