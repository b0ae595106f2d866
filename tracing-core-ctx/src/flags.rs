//! The trace flags of W3C Trace Context Level 2.

use std::fmt;

/// Eight bits that travel with a span context; two of them have a meaning.
///
/// Bit 0 says `sampled`, bit 1 says that the trace id's rightmost 7 bytes are `random`. The other bits are ignored when
/// read and written as zero ([W3C Trace Context Level 2, trace-flags]), so they are not kept here.
///
/// [W3C Trace Context Level 2, trace-flags]: https://www.w3.org/TR/trace-context-2/#trace-flags
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(u8);

impl TraceFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The caller may have recorded this trace.
    pub const SAMPLED: Self = Self(0x01);
    /// The rightmost 7 bytes of the trace id are uniformly random.
    pub const RANDOM: Self = Self(0x02);

    /// Keeps the two known bits of `bits`.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x03)
    }

    /// The bits as they are written to the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the sampled flag is on.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// Whether the random flag is on.
    #[must_use]
    pub const fn is_random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    /// The same flags with the sampled flag on or off.
    #[must_use]
    pub const fn with_sampled(self, sampled: bool) -> Self {
        Self(self.0 & !Self::SAMPLED.0 | sampled as u8)
    }

    /// The same flags with the random flag on or off.
    #[must_use]
    pub const fn with_random(self, random: bool) -> Self {
        Self(self.0 & !Self::RANDOM.0 | (random as u8) << 1)
    }
}

impl fmt::Debug for TraceFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceFlags({:02x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_are_not_kept() {
        assert_eq!(TraceFlags::from_bits(0xff).bits(), 0x03);
    }

    #[test]
    fn one_flag_changes_without_the_other() {
        let flags = TraceFlags::from_bits(0x03);
        assert_eq!(flags.with_sampled(false).bits(), 0x02);
        assert_eq!(flags.with_random(false).bits(), 0x01);
        assert_eq!(TraceFlags::NONE.with_sampled(true), TraceFlags::SAMPLED);
        assert_eq!(TraceFlags::NONE.with_random(true), TraceFlags::RANDOM);
    }
}
