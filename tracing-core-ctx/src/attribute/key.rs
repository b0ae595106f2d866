use std::fmt;
use std::marker::PhantomData;

use super::KeyCode;
use super::entry::EntryKey;

/// The name of an attribute together with the type of its value.
///
/// `T` is `str`, `i64`, `f64`, `bool` or `[String]` (a list of strings). The constants of
/// [`semconv`](crate::semconv) are of this type; a project can add its own.
///
/// ```
/// use tracing_core_ctx::attribute::{Attributes, Key};
///
/// const CART_SIZE: Key<i64> = Key::new("shop.cart.size");
/// let mut attributes = Attributes::new();
/// attributes.set(CART_SIZE, 3);
/// ```
pub struct Key<T: ?Sized> {
    name: &'static str,
    code: Option<KeyCode>,
    value: PhantomData<fn() -> T>,
}

impl<T: ?Sized> Key<T> {
    /// Names an attribute whose values are of type `T`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            code: None,
            value: PhantomData,
        }
    }

    /// Names an attribute of the conventions, which has a number.
    pub(crate) const fn known(name: &'static str) -> Self {
        Self {
            name,
            code: Some(KeyCode::of(name)),
            value: PhantomData,
        }
    }

    /// The name as it is exported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

/// The fixed part of a family of names, such as `http.request.header.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPrefix(&'static str);

impl KeyPrefix {
    /// Names a family; `prefix` ends with the dot.
    #[must_use]
    pub const fn new(prefix: &'static str) -> Self {
        Self(prefix)
    }

    pub(crate) const fn known(prefix: &'static str) -> Self {
        Self(prefix)
    }

    /// The prefix, its dot included.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        self.0
    }

    /// The whole name of one member of the family.
    #[must_use]
    pub fn key(self, member: &str) -> String {
        format!("{}{member}", self.0)
    }
}

/// A name that lives as long as the program and is only known when it runs, for those who set it again and again. See [`KeyRef::Prepared`].
///
/// ```
/// use tracing_core_ctx::attribute::{Attributes, KeyRef, StaticKey};
///
/// let keys = ["sku", "count"].map(|name| StaticKey::new(name).expect("a name"));
/// let mut attributes = Attributes::new();
/// for key in keys {
///     attributes.set(KeyRef::Prepared(key), 3);
/// }
/// assert_eq!(attributes.len(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StaticKey {
    name: &'static str,
    /// At the first position.
    entry: EntryKey,
}

impl StaticKey {
    /// `None` if it may be no name: if it is empty, or of 64 KiB or more.
    #[must_use]
    pub fn new(name: &'static str) -> Option<Self> {
        let entry = EntryKey::by_reference(0, name)?;
        (!name.is_empty()).then_some(Self { name, entry })
    }

    /// The name as it is exported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    #[inline]
    pub(super) const fn entry(self) -> EntryKey {
        self.entry
    }
}

/// A borrowed attribute name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum KeyRef<'a> {
    /// A name of the conventions: kept as its number.
    Known(KeyCode),
    /// The same as `Static`, with what a table wants to know of the name: found out once.
    Prepared(StaticKey),
    /// A name that lives as long as the program: kept by reference.
    Static(&'static str),
    /// Any other name: copied.
    Borrowed(&'a str),
}

impl<'a> KeyRef<'a> {
    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Known(code) => code.name(),
            Self::Prepared(key) => key.name,
            Self::Static(name) => name,
            Self::Borrowed(name) => name,
        }
    }
}

/// What can name an attribute: a typed [`Key`] or any text.
pub trait AttributeKey {
    /// The type that values of this key have.
    type Type: ?Sized;

    /// Whether the name was written by hand, and may be misspelt.
    const BY_HAND: bool;

    /// The name itself.
    fn key(&self) -> KeyRef<'_>;
}

/// Marks a key that takes a value of any type.
#[derive(Debug)]
#[non_exhaustive]
pub struct Untyped;

impl<T: ?Sized> AttributeKey for Key<T> {
    type Type = T;

    const BY_HAND: bool = false;

    #[inline]
    fn key(&self) -> KeyRef<'_> {
        match self.code {
            Some(code) => KeyRef::Known(code),
            None => KeyRef::Static(self.name),
        }
    }
}

impl AttributeKey for &str {
    type Type = Untyped;

    const BY_HAND: bool = true;

    #[inline]
    fn key(&self) -> KeyRef<'_> {
        KeyRef::Borrowed(self)
    }
}

impl AttributeKey for &String {
    type Type = Untyped;

    const BY_HAND: bool = true;

    #[inline]
    fn key(&self) -> KeyRef<'_> {
        KeyRef::Borrowed(self)
    }
}

impl AttributeKey for KeyRef<'_> {
    type Type = Untyped;

    const BY_HAND: bool = false;

    #[inline]
    fn key(&self) -> KeyRef<'_> {
        *self
    }
}
