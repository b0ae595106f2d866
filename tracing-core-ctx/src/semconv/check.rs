//! Judges attribute names that were written by hand.

mod distance;
mod unlisted;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::{Mutex, PoisonError};

use self::distance::distance;
use self::unlisted::UNLISTED;
use super::registry::{Definition, Stability, ValueType, definition, definitions};
use crate::attribute::ValueRef;
use crate::diagnostics::{self, Level};

/// What is wrong with an attribute, as [`check`] found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse<'a> {
    /// The conventions have left the name behind.
    Deprecated {
        /// The name as written.
        name: &'a str,
        /// What took its place, in words with the new names in backquotes; `None` if nothing did.
        replacement: Option<&'static str>,
    },
    /// The name is almost one of the conventions.
    Misspelt {
        /// The name as written.
        name: &'a str,
        /// The name, or the start of the name, that was probably meant.
        meant: &'static str,
    },
    /// The name of a header or a metadata key is not in lower case.
    UpperCase {
        /// The name as written.
        name: &'a str,
    },
    /// The conventions want a value of another type.
    WrongType {
        /// The name.
        name: &'a str,
        /// The type by convention.
        expected: ValueType,
        /// The type of the value.
        found: ValueType,
    },
}

impl Misuse<'_> {
    /// The name as it was written.
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::Deprecated { name, .. }
            | Self::Misspelt { name, .. }
            | Self::UpperCase { name }
            | Self::WrongType { name, .. } => name,
        }
    }
}

impl fmt::Display for Misuse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deprecated {
                name,
                replacement: Some(now),
            } => write!(f, "attribute `{name}` is deprecated: use {now}"),
            Self::Deprecated {
                name,
                replacement: None,
            } => write!(f, "attribute `{name}` is deprecated, without replacement"),
            Self::Misspelt { name, meant } => {
                write!(
                    f,
                    "attribute `{name}` is not in the semantic conventions: did you mean `{meant}`?"
                )
            }
            Self::UpperCase { name } => {
                write!(f, "attribute `{name}` must be written in lower case")
            }
            Self::WrongType {
                name,
                expected,
                found,
            } => {
                write!(
                    f,
                    "attribute `{name}` is of type {expected} by convention, not {found}"
                )
            }
        }
    }
}

/// Says what is wrong with an attribute of this name and type, measured by the conventions.
///
/// Names outside the conventions' namespaces are nobody's business, and neither are names inside that resemble no
/// other.
///
/// ```
/// use tracing_core_ctx::semconv::{self, ValueType};
///
/// let misuse = semconv::check("http.status_code", ValueType::I64).expect("an old name");
/// assert_eq!(
///     misuse.to_string(),
///     "attribute `http.status_code` is deprecated: use `http.response.status_code`"
/// );
/// assert_eq!(semconv::check("shop.cart.size", ValueType::I64), None);
/// ```
#[must_use]
pub fn check(name: &str, found: ValueType) -> Option<Misuse<'_>> {
    if let Some(definition) = definition(name) {
        return judge(name, found, definition);
    }
    if !in_our_namespaces(name) || UNLISTED.binary_search(&name).is_ok() {
        return None;
    }
    let meant = definitions()
        .filter_map(|definition| Some((resemblance(name, definition)?, definition)))
        .min_by_key(|(difference, _)| *difference)?
        .1;
    Some(match meant.stability() {
        Stability::Deprecated => deprecated(name, meant),
        _ => Misuse::Misspelt {
            name,
            meant: meant.name(),
        },
    })
}

/// Reports what is wrong with an attribute, once for each name and kind of mistake.
///
/// A name that is right costs a binary search and takes no lock.
pub(crate) fn report_once(name: &str, value: ValueRef<'_>) {
    static REPORTED: Mutex<Reported> = Mutex::new(Reported::new());

    let Some(misuse) = check(name, ValueType::of(value)) else {
        return;
    };
    let is_new = REPORTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_new(&misuse);
    if is_new {
        diagnostics::report(Level::Warn, format_args!("{misuse}"));
    }
}

/// The first segments of the names that the conventions own.
const NAMESPACES: [&str; 20] = [
    "client",
    "code",
    "ctx",
    "db",
    "deployment",
    "error",
    "exception",
    "http",
    "kafka",
    "messaging",
    "network",
    "otel",
    "rabbitmq",
    "rpc",
    "server",
    "service",
    "telemetry",
    "thread",
    "url",
    "user_agent",
];

/// How many mistakes are told apart before the rest goes unreported: names may be made at run time.
const REMEMBERED: usize = 256;

/// The mistakes that were reported, as hashes.
struct Reported(BTreeSet<u64>);

impl Reported {
    const fn new() -> Self {
        Self(BTreeSet::new())
    }

    fn is_new(&mut self, misuse: &Misuse<'_>) -> bool {
        let mut hasher = DefaultHasher::new();
        misuse.name().hash(&mut hasher);
        mem::discriminant(misuse).hash(&mut hasher);
        self.0.len() < REMEMBERED && self.0.insert(hasher.finish())
    }
}

fn judge<'a>(name: &'a str, found: ValueType, definition: &Definition) -> Option<Misuse<'a>> {
    let expected = definition.value_type();
    if definition.stability() == Stability::Deprecated {
        Some(deprecated(name, definition))
    } else if !expected.accepts(found) {
        Some(Misuse::WrongType {
            name,
            expected,
            found,
        })
    } else if definition.is_family()
        && expected == ValueType::Strs
        && name.bytes().any(|b| b.is_ascii_uppercase())
    {
        // The families of lists are headers and metadata; names of query parameters keep their case.
        Some(Misuse::UpperCase { name })
    } else {
        None
    }
}

const fn deprecated<'a>(name: &'a str, definition: &Definition) -> Misuse<'a> {
    Misuse::Deprecated {
        name,
        replacement: definition.replacement(),
    }
}

fn in_our_namespaces(name: &str) -> bool {
    name.split_once('.').is_some_and(|(first, _)| {
        NAMESPACES
            .iter()
            .any(|namespace| same_letters(first, namespace))
    })
}

/// How far `written` is from a name of the conventions, 0 to 2, or `None` if the two have nothing to do with another.
fn resemblance(written: &str, definition: &Definition) -> Option<usize> {
    let meant = definition.name();
    let written = if definition.is_family() {
        head(written, meant.matches('.').count())?
    } else {
        written
    };
    if same_letters(written, meant) {
        return Some(0);
    }
    if definition.stability() == Stability::Deprecated {
        return None;
    }
    match distance(written, meant)? {
        near @ 0..=1 => Some(near),
        2 if same_shape(written, meant) => Some(2),
        _ => None,
    }
}

/// The first `segments` segments of a longer name, with the dot behind them.
fn head(name: &str, segments: usize) -> Option<&str> {
    let (last, _) = name.match_indices('.').nth(segments.checked_sub(1)?)?;
    (name.len() > last + 1).then(|| &name[..=last])
}

/// Whether two names differ in nothing but case and the placement of `.`, `_` and `-`.
fn same_letters(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes()
        .filter(|b| !matches!(b, b'.' | b'_' | b'-'))
        .map(|b| b.to_ascii_lowercase())
}

/// Whether two mistakes are credible: in a word of up to five letters, two make another word (`url.hash`, `url.path`).
fn same_shape(written: &str, meant: &str) -> bool {
    let (mut written, mut meant) = (written.split('.'), meant.split('.'));
    loop {
        match (written.next(), meant.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) => {
                let near = distance(one, other).is_some_and(|d| d <= 1 || other.len() > 5);
                if !near {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
