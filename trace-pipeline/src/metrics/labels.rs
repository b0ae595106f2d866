//! What a time series is known by.

use std::fmt;

use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;

/// No family has more.
const MOST: usize = 8;

/// The longest text of a label, in bytes; what is longer is cut.
const LONGEST: usize = 256;

/// A label as somebody lends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Label<'a> {
    pub(crate) key: &'static str,
    pub(crate) value: LabelValue<'a>,
}

/// The types that attributes of metrics have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LabelValue<'a> {
    Bool(bool),
    Int(i64),
    Str(&'a str),
}

/// What is lent, in the order of the keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent<'a> {
    labels: [Label<'a>; MOST],
    len: usize,
}

impl<'a> Lent<'a> {
    /// Those of `keys` that `source` knows.
    pub(super) fn read(keys: &[&'static str], source: &'a dyn AttributeSource) -> Self {
        let nothing = Label {
            key: "",
            value: LabelValue::Bool(false),
        };
        let mut lent = Self {
            labels: [nothing; MOST],
            len: 0,
        };
        for key in keys {
            let value = match source.get(key) {
                Some(ValueRef::Str(text)) => LabelValue::Str(cut(text)),
                Some(ValueRef::I64(number)) => LabelValue::Int(number),
                Some(ValueRef::Bool(flag)) => LabelValue::Bool(flag),
                _ => continue,
            };
            if let Some(place) = lent.labels.get_mut(lent.len) {
                *place = Label { key, value };
                lent.len += 1;
            }
        }
        lent
    }

    pub(super) fn as_slice(&self) -> &[Label<'a>] {
        self.labels.get(..self.len).unwrap_or_default()
    }
}

/// The same, kept.
#[derive(Debug, Default)]
pub(super) struct Labels(Box<[(&'static str, Kept)]>);

#[derive(Debug)]
enum Kept {
    Bool(bool),
    Int(i64),
    Str(Box<str>),
}

impl Labels {
    pub(super) fn of(lent: &[Label<'_>]) -> Self {
        let kept = |label: &Label<'_>| {
            let value = match label.value {
                LabelValue::Bool(flag) => Kept::Bool(flag),
                LabelValue::Int(number) => Kept::Int(number),
                LabelValue::Str(text) => Kept::Str(text.into()),
            };
            (label.key, value)
        };
        Self(lent.iter().map(kept).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Label<'_>> {
        self.0.iter().map(|(key, value)| Label {
            key,
            value: match value {
                Kept::Bool(flag) => LabelValue::Bool(*flag),
                Kept::Int(number) => LabelValue::Int(*number),
                Kept::Str(text) => LabelValue::Str(text),
            },
        })
    }

    pub(super) fn are(&self, lent: &[Label<'_>]) -> bool {
        self.iter().eq(lent.iter().copied())
    }
}

impl fmt::Display for LabelValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => flag.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Str(text) => text.fmt(f),
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
