use std::borrow::Cow;

use super::Untyped;

/// An attribute value that owns its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A list of values of one type.
    Array(Array),
    /// True or false.
    Bool(bool),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// A floating-point number.
    F64(f64),
    /// A whole number.
    I64(i64),
    /// Text.
    Str(Cow<'static, str>),
}

/// A list of values of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Array {
    /// True or false, each.
    Bool(Vec<bool>),
    /// Floating-point numbers.
    F64(Vec<f64>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// Texts.
    Str(Vec<String>),
}

/// An attribute value, borrowed from where it is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// A list of values of one type.
    Array(&'a Array),
    /// True or false.
    Bool(bool),
    /// Bytes that are no text.
    Bytes(&'a [u8]),
    /// A floating-point number.
    F64(f64),
    /// A whole number.
    I64(i64),
    /// Text.
    Str(&'a str),
}

impl<'a> ValueRef<'a> {
    /// The text, if it is one.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub const fn as_i64(self) -> Option<i64> {
        match self {
            Self::I64(number) => Some(number),
            _ => None,
        }
    }

    /// The floating-point number, if it is one.
    #[must_use]
    pub const fn as_f64(self) -> Option<f64> {
        match self {
            Self::F64(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub const fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// The list of texts, if it is one.
    #[must_use]
    pub fn as_strs(self) -> Option<&'a [String]> {
        match self {
            Self::Array(Array::Str(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A copy that owns its text.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Array(array) => Value::Array(array.clone()),
            Self::Bool(flag) => Value::Bool(flag),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::F64(number) => Value::F64(number),
            Self::I64(number) => Value::I64(number),
            Self::Str(text) => Value::Str(Cow::Owned(text.to_owned())),
        }
    }
}

impl Value {
    /// The same value, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Array(array) => ValueRef::Array(array),
            Self::Bool(flag) => ValueRef::Bool(*flag),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::F64(number) => ValueRef::F64(*number),
            Self::I64(number) => ValueRef::I64(*number),
            Self::Str(text) => ValueRef::Str(text),
        }
    }

    /// Bytes on the heap, roughly.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(Array::Str(texts)) => texts.iter().map(|text| 24 + text.len()).sum(),
            Self::Array(Array::Bool(list)) => list.len(),
            Self::Array(Array::F64(list)) => list.len() * 8,
            Self::Array(Array::I64(list)) => list.len() * 8,
            _ => 0,
        }
    }
}

/// What can be the value of a key of type `T`.
///
/// A whole number over `i64::MAX` is recorded as `i64::MAX`: OTLP has no unsigned values.
///
/// An `Option` is no value, since `None` would have to be one: spans set it by [`SpanRef::set_opt`](crate::SpanRef::set_opt).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an attribute whose key is of type `{T}`",
    label = "no value of a key of type `{T}`",
    note = "values are `bool`, integers up to 64 bits, floats, `&str`, `String`, `Cow<str>`, `attribute::Array` (a list: `Array::from(vec![1, 2])`, `Array::from_iter([\"a\", \"b\"])`) and, for keys written by hand, `Value`",
    note = "the constants of `semconv` fix the type: a key of type `i64` takes an integer, one of type `str` takes text",
    note = "an `Option` is set with `set_opt`, a reference to a number with `*value`, anything that implements `Display` with `value.to_string()`"
)]
pub trait AttributeValue<T: ?Sized> {
    /// The value, borrowed.
    fn value(&self) -> ValueRef<'_>;
}

macro_rules! values {
    ($($type:ty as $target:ty: |$value:ident| $convert:expr;)*) => {
        $(
            impl AttributeValue<$target> for $type {
                #[inline]
                fn value(&self) -> ValueRef<'_> {
                    let $value = self;
                    $convert
                }
            }

            impl AttributeValue<Untyped> for $type {
                #[inline]
                fn value(&self) -> ValueRef<'_> {
                    let $value = self;
                    $convert
                }
            }

            impl From<$type> for Value {
                fn from(value: $type) -> Self {
                    AttributeValue::<Untyped>::value(&value).to_value()
                }
            }
        )*
    };
}

values! {
    bool as bool: |flag| ValueRef::Bool(*flag);
    f32 as f64: |number| ValueRef::F64(f64::from(*number));
    f64 as f64: |number| ValueRef::F64(*number);
    i8 as i64: |number| ValueRef::I64(i64::from(*number));
    i16 as i64: |number| ValueRef::I64(i64::from(*number));
    i32 as i64: |number| ValueRef::I64(i64::from(*number));
    i64 as i64: |number| ValueRef::I64(*number);
    isize as i64: |number| ValueRef::I64(i64::try_from(*number).unwrap_or(i64::MAX));
    u8 as i64: |number| ValueRef::I64(i64::from(*number));
    u16 as i64: |number| ValueRef::I64(i64::from(*number));
    u32 as i64: |number| ValueRef::I64(i64::from(*number));
    u64 as i64: |number| ValueRef::I64(i64::try_from(*number).unwrap_or(i64::MAX));
    usize as i64: |number| ValueRef::I64(i64::try_from(*number).unwrap_or(i64::MAX));
    &str as str: |text| ValueRef::Str(text);
    String as str: |text| ValueRef::Str(text);
    &String as str: |text| ValueRef::Str(text);
    Cow<'_, str> as str: |text| ValueRef::Str(text);
    Array as [String]: |array| ValueRef::Array(array);
    &Array as [String]: |array| ValueRef::Array(array);
}

impl AttributeValue<Untyped> for Value {
    #[inline]
    fn value(&self) -> ValueRef<'_> {
        self.as_ref()
    }
}

impl AttributeValue<Untyped> for &Value {
    #[inline]
    fn value(&self) -> ValueRef<'_> {
        self.as_ref()
    }
}

impl AttributeValue<Untyped> for ValueRef<'_> {
    #[inline]
    fn value(&self) -> ValueRef<'_> {
        *self
    }
}

macro_rules! lists {
    ($($element:ty => $kind:ident;)*) => {
        $(
            impl From<Vec<$element>> for Array {
                fn from(list: Vec<$element>) -> Self {
                    Self::$kind(list)
                }
            }
        )*
    };
}

lists! {
    bool => Bool;
    f64 => F64;
    i64 => I64;
    String => Str;
}

impl<S: Into<String>> FromIterator<S> for Array {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        Self::Str(texts.into_iter().map(Into::into).collect())
    }
}
