use std::fmt;
use std::sync::LazyLock;

use super::{
    code, ctx, db, error, http, legacy, messaging, network, resource, rpc, service, telemetry,
    thread, url, user_agent,
};
use crate::attribute::{Array, Untyped, ValueRef};

/// What the conventions say of one attribute, or of a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    name: &'static str,
    family: bool,
    value_type: ValueType,
    stability: Stability,
    replacement: Option<&'static str>,
}

impl Definition {
    pub(super) const fn new<T: Typed + ?Sized>(
        kind: Kind,
        name: &'static str,
        stability: Stability,
    ) -> Self {
        Self {
            name,
            family: matches!(kind, Kind::KeyPrefix),
            value_type: T::TYPE,
            stability,
            replacement: None,
        }
    }

    pub(super) const fn replaced_by(mut self, replacement: &'static str) -> Self {
        self.replacement = Some(replacement);
        self
    }

    /// The name; of a family, the fixed part with its dot.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the name is the fixed part of a family, such as `http.request.header.`.
    #[must_use]
    pub const fn is_family(&self) -> bool {
        self.family
    }

    /// The type that values have.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Whether the name can still change.
    #[must_use]
    pub const fn stability(&self) -> Stability {
        self.stability
    }

    /// What took the place of a deprecated name, in words with the new names in backquotes; `None` if nothing did.
    #[must_use]
    pub const fn replacement(&self) -> Option<&'static str> {
        self.replacement
    }

    /// Whether `name` is this attribute, or a member of this family.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.family {
            name.len() > self.name.len() && name.starts_with(self.name)
        } else {
            name == self.name
        }
    }
}

/// Whether a name can still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stability {
    /// Left behind: see [`Definition::replacement`].
    Deprecated,
    /// May be renamed or removed by the next version of the conventions.
    Development,
    /// Not a name of OpenTelemetry but of this project.
    Own,
    /// Never renamed without a new name beside it.
    Stable,
}

/// The type of an attribute value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Whatever fits: the conventions leave the type open.
    Any,
    /// True or false.
    Bool,
    /// A list of truth values.
    Bools,
    /// Bytes that are no text.
    Bytes,
    /// A floating-point number.
    F64,
    /// A list of floating-point numbers.
    F64s,
    /// A whole number.
    I64,
    /// A list of whole numbers.
    I64s,
    /// Text.
    Str,
    /// A list of texts.
    Strs,
}

impl ValueType {
    /// The type of `value`.
    #[must_use]
    pub const fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Array(Array::Bool(_)) => Self::Bools,
            ValueRef::Array(Array::F64(_)) => Self::F64s,
            ValueRef::Array(Array::I64(_)) => Self::I64s,
            ValueRef::Array(Array::Str(_)) => Self::Strs,
            ValueRef::Bool(_) => Self::Bool,
            ValueRef::Bytes(_) => Self::Bytes,
            ValueRef::F64(_) => Self::F64,
            ValueRef::I64(_) => Self::I64,
            ValueRef::Str(_) => Self::Str,
        }
    }

    /// Whether a value of type `found` may stand where `self` is expected.
    #[must_use]
    pub fn accepts(self, found: Self) -> bool {
        self == Self::Any || self == found
    }
}

/// The words of the conventions: `string`, `int`, `string[]`, ...
impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Bool => "boolean",
            Self::Bools => "boolean[]",
            Self::Bytes => "bytes",
            Self::F64 => "double",
            Self::F64s => "double[]",
            Self::I64 => "int",
            Self::I64s => "int[]",
            Self::Str => "string",
            Self::Strs => "string[]",
        })
    }
}

/// All attributes for which there is a constant, deprecated ones and those of this project included, area by area.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    AREAS.iter().flat_map(|area| area.iter())
}

/// What the conventions say of the attribute `name`, which may be a member of a family.
///
/// ```
/// use tracing_core_ctx::semconv;
///
/// let header = semconv::definition("http.request.header.content-type");
/// assert_eq!(header.map(|d| d.value_type()), Some(semconv::ValueType::Strs));
/// assert_eq!(semconv::definition("shop.cart.size"), None);
/// ```
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    let table: &'static [&'static Definition] = &SORTED;
    let after = table.partition_point(|definition| definition.name <= name);
    // No name starts with a family's prefix except the family itself, so a member sorts directly behind it.
    let candidate = table[..after].last()?;
    candidate.matches(name).then_some(*candidate)
}

const AREAS: [&[Definition]; 15] = [
    http::DEFINITIONS,
    url::DEFINITIONS,
    network::DEFINITIONS,
    user_agent::DEFINITIONS,
    rpc::DEFINITIONS,
    messaging::DEFINITIONS,
    db::DEFINITIONS,
    error::DEFINITIONS,
    code::DEFINITIONS,
    thread::DEFINITIONS,
    service::DEFINITIONS,
    telemetry::DEFINITIONS,
    resource::DEFINITIONS,
    ctx::DEFINITIONS,
    legacy::DEFINITIONS,
];

/// How many names there are.
const COUNT: usize = {
    let (mut count, mut area) = (0, 0);
    while area < AREAS.len() {
        count += AREAS[area].len();
        area += 1;
    }
    count
};

/// All names by their numbers, area by area. There is no number zero.
pub(crate) static NAMES: [&str; COUNT + 1] = NUMBERED;

const NUMBERED: [&str; COUNT + 1] = {
    let mut names = [""; COUNT + 1];
    let (mut number, mut area) = (1, 0);
    while area < AREAS.len() {
        let mut row = 0;
        while row < AREAS[area].len() {
            names[number] = AREAS[area][row].name;
            number += 1;
            row += 1;
        }
        area += 1;
    }
    names
};

/// The number of `name`; zero if it has none. For constants only: it looks at one name after the other.
pub(crate) const fn number(name: &str) -> usize {
    let mut number = COUNT;
    while number > 0 && !equal(NUMBERED[number].as_bytes(), name.as_bytes()) {
        number -= 1;
    }
    number
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut rest = one.len();
    if rest != other.len() {
        return false;
    }
    // From the end: what stands in front is often the same.
    while rest > 0 {
        rest -= 1;
        if one[rest] != other[rest] {
            return false;
        }
    }
    true
}

static SORTED: LazyLock<Box<[&'static Definition]>> = LazyLock::new(|| {
    let mut table: Box<[_]> = definitions().collect();
    table.sort_unstable_by_key(|definition| definition.name);
    table
});

/// The word before the angle bracket of a constant's type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Key,
    KeyPrefix,
}

/// The types that a [`Key`](crate::attribute::Key) of the conventions can have.
pub(super) trait Typed {
    const TYPE: ValueType;
}

impl Typed for bool {
    const TYPE: ValueType = ValueType::Bool;
}

impl Typed for i64 {
    const TYPE: ValueType = ValueType::I64;
}

impl Typed for str {
    const TYPE: ValueType = ValueType::Str;
}

impl Typed for [String] {
    const TYPE: ValueType = ValueType::Strs;
}

impl Typed for Untyped {
    const TYPE: ValueType = ValueType::Any;
}
