//! Trace and span ids: never zero, by type.
//!
//! W3C Trace Context calls an all-zero id invalid. Here it cannot be written down, so that nothing behind
//! the parser has to ask again, and `Option<SpanId>` costs no more than the id.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::hex;

/// The id that all spans of one trace share: 16 bytes, not all zero.
///
/// ```
/// use tracing_core_ctx::TraceId;
///
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!("00000000000000000000000000000000".parse::<TraceId>().is_err());
/// # Ok::<(), tracing_core_ctx::id::InvalidId>(())
/// ```
// Two halves and not one number of 16 bytes, whose alignment would make every context a quarter larger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId {
    high: u64,
    low: u64,
}

impl TraceId {
    /// Stands where an id has to be and means nothing.
    pub(crate) const ONE: Self = Self { high: 0, low: 1 };

    /// From 16 bytes in network order; `None` when all are zero.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        Self::from_u128(u128::from_be_bytes(bytes))
    }

    /// From a number; `None` when it is zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves are what is wanted"
    )]
    pub const fn from_u128(value: u128) -> Option<Self> {
        if value == 0 {
            return None;
        }
        Some(Self {
            high: (value >> 64) as u64,
            low: value as u64,
        })
    }

    /// From exactly 32 lower-case hex digits.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        if digits.len() != 32 {
            return None;
        }
        Self::from_u128(hex::decode_lower(digits)?)
    }

    /// The 16 bytes in network order.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.to_u128().to_be_bytes()
    }

    /// The id as a number.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The id as 32 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        text.copy_from_slice(hex::encode(self.to_bytes()).as_flattened());
        text
    }

    /// The 56 random bits that consistent sampling compares with a threshold: the rightmost 7 bytes
    /// (OpenTelemetry, "TraceState: Probability Sampling").
    #[must_use]
    pub const fn randomness(self) -> u64 {
        self.low & ((1 << 56) - 1)
    }
}

/// The id of one span within its trace: 8 bytes, not all zero.
///
/// ```
/// use tracing_core_ctx::SpanId;
///
/// let id: SpanId = "00f067aa0ba902b7".parse()?;
/// assert_eq!(id.to_string(), "00f067aa0ba902b7");
/// # Ok::<(), tracing_core_ctx::id::InvalidId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// Stands where an id has to be and means nothing.
    pub(crate) const ONE: Self = Self(NonZeroU64::MIN);

    /// From 8 bytes in network order; `None` when all are zero.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        Self::from_u64(u64::from_be_bytes(bytes))
    }

    /// From a number; `None` when it is zero.
    #[must_use]
    pub const fn from_u64(value: u64) -> Option<Self> {
        match NonZeroU64::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// From exactly 16 lower-case hex digits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "16 digits are 64 bits")]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        if digits.len() != 16 {
            return None;
        }
        Self::from_u64(hex::decode_lower(digits)? as u64)
    }

    /// The 8 bytes in network order.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }

    /// The id as a number.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0.get()
    }

    /// The id as 16 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> [u8; 16] {
        let mut text = [0; 16];
        text.copy_from_slice(hex::encode(self.to_bytes()).as_flattened());
        text
    }
}

/// The text is no id: wrong length, not lower-case hex, or all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId(());

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id: expected lower-case hex digits, not all zero")
    }
}

impl std::error::Error for InvalidId {}

macro_rules! text {
    ($id:ident) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(std::str::from_utf8(&self.to_hex()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($id), "({})"), self)
            }
        }

        impl FromStr for $id {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::from_hex(text.as_bytes()).ok_or(InvalidId(()))
            }
        }
    };
}

text!(TraceId);
text!(SpanId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_is_no_id() {
        assert_eq!(TraceId::from_bytes([0; 16]), None);
        assert_eq!(SpanId::from_u64(0), None);
    }

    #[test]
    fn an_absent_span_id_costs_nothing() {
        assert_eq!(size_of::<Option<SpanId>>(), 8);
        assert_eq!(
            size_of::<Option<crate::SpanContext>>(),
            size_of::<crate::SpanContext>()
        );
    }

    #[test]
    fn randomness_is_the_rightmost_seven_bytes() {
        let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
        assert_eq!(id.randomness(), 0xce_929d_0e0e_4736);
    }

    proptest! {
        #[test]
        fn ids_survive_text_and_bytes(trace in 1u128.., span in 1u64..) {
            let trace = TraceId::from_u128(trace).unwrap();
            let span = SpanId::from_u64(span).unwrap();
            prop_assert_eq!(trace.to_string().parse::<TraceId>(), Ok(trace));
            prop_assert_eq!(TraceId::from_bytes(trace.to_bytes()), Some(trace));
            prop_assert_eq!(span.to_string().parse::<SpanId>(), Ok(span));
            prop_assert_eq!(SpanId::from_bytes(span.to_bytes()), Some(span));
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = text.parse::<TraceId>();
            let _ = text.parse::<SpanId>();
        }
    }
}
