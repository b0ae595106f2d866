use super::{KeptKey, KeptText, ValueRef};

/// Takes the attributes of a table one after the other, each by the kind of its value: for exporters, which have many to write. See
/// [`Attributes::visit`](super::Attributes::visit).
pub trait Visitor {
    /// True or false.
    fn flag(&mut self, key: KeptKey<'_>, flag: bool);

    /// A floating-point number.
    fn float(&mut self, key: KeptKey<'_>, number: f64);

    /// A whole number.
    fn integer(&mut self, key: KeptKey<'_>, number: i64);

    /// A value of any other type.
    fn other(&mut self, key: KeptKey<'_>, value: ValueRef<'_>);

    /// A text.
    fn text(&mut self, key: KeptKey<'_>, text: KeptText<'_>);
}
