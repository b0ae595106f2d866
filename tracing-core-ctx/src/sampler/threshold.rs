//! The `ot` member of `tracestate`: with which threshold a span was kept (`th`), and explicit randomness (`rv`).
//!
//! ```abnf
//! ot = sub-key ":" value *( ";" sub-key ":" value )      ; at most 256 characters
//! th = 1*14( DIGIT / "a".."f" )                            ; trailing zeros removed
//! rv = 14( DIGIT / "a".."f" )
//! ```
//!
//! See OpenTelemetry, "TraceState: Probability Sampling". A malformed sub-key is taken as absent; the others are kept.

use crate::{SpanContext, TraceId, TraceState, hex};

const MEMBER: &str = "ot";
const ALL: u64 = 1 << 56;

/// What randomness a span must reach to be kept: 0 keeps all.
///
/// ```
/// use tracing_core_ctx::sampler::threshold::Threshold;
///
/// let tenth = Threshold::from_probability(0.1).unwrap();
/// assert_eq!(tenth.to_string(), "e666");
/// assert!((tenth.adjusted_count() - 10.0).abs() < 0.001);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Keeps everything.
    pub const ALWAYS: Self = Self(0);

    /// The threshold for a probability, with four significant hex digits and one more for each leading `f`.
    ///
    /// `None` when nothing would be kept: at 0 and below 2^-56.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the product is between 0 and 2^56"
    )]
    pub fn from_probability(probability: f64) -> Option<Self> {
        if probability.is_nan() || probability * (ALL as f64) < 1.0 {
            return None;
        }
        let kept = (probability.min(1.0) * ALL as f64).round() as u64;
        let exact = ALL - kept.min(ALL);
        // Leading f digits: how many nibbles of 1 - p are full.
        let leading = ((!(exact << 8)).leading_zeros() / 4).min(10);
        let digits = 4 + leading;
        let shift = 56u32.saturating_sub(4 * digits);
        let unit = 1u64 << shift;
        let rounded = (exact + unit / 2) / unit * unit;
        Some(Self(if rounded >= ALL { exact } else { rounded }))
    }

    /// The threshold as a number of 56 bits: what randomness a trace needs at least. `None` when it is larger.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits < ALL { Some(Self(bits)) } else { None }
    }

    /// The same number.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// How much of all traces is kept: more than 0, at most 1.
    #[must_use]
    pub fn probability(self) -> f64 {
        self.adjusted_count().recip()
    }

    /// From 1 to 14 lower-case hex digits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "14 digits are 56 bits")]
    pub fn parse(digits: &str) -> Option<Self> {
        if digits.len() > 14 {
            return None;
        }
        let value = hex::decode_lower(digits.as_bytes())? as u64;
        Some(Self(value << (4 * (14 - digits.len()))))
    }

    /// The threshold that `state` carries.
    #[must_use]
    pub fn of(state: &TraceState) -> Option<Self> {
        Self::parse(sub_key(state, "th")?)
    }

    /// Whether a trace of this randomness is kept.
    #[must_use]
    pub const fn keeps(self, randomness: u64) -> bool {
        randomness >= self.0
    }

    /// How many spans one kept span stands for.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "56 bits into 53 are near enough for a weight"
    )]
    pub fn adjusted_count(self) -> f64 {
        ALL as f64 / (ALL - self.0) as f64
    }

    /// `state` with this threshold in place of any other. Where that would make the member too long, it has none.
    #[must_use]
    pub fn stamp(self, state: &TraceState) -> TraceState {
        if Self::of(state) == Some(self) {
            return state.clone();
        }
        let mut digits = [0; 14];
        let member = rebuild(state, Some(self.digits(&mut digits)));
        state
            .with(MEMBER, &member)
            .unwrap_or_else(|_| erase(state).unwrap_or_else(|| state.clone()))
    }

    fn digits(self, out: &mut [u8; 14]) -> &str {
        // 56 bits: the first two of 16 digits are zero.
        out.copy_from_slice(&hex::encode(self.0.to_be_bytes()).as_flattened()[2..]);
        let text = std::str::from_utf8(out)
            .unwrap_or("0")
            .trim_end_matches('0');
        if text.is_empty() { "0" } else { text }
    }
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.digits(&mut [0; 14]))
    }
}

/// The 56 random bits of a trace: `rv` if the state carries it, else those of the trace id.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "14 digits are 56 bits")]
pub fn randomness(state: &TraceState, trace_id: TraceId) -> u64 {
    sub_key(state, "rv")
        .filter(|digits| digits.len() == 14)
        .and_then(|digits| hex::decode_lower(digits.as_bytes()))
        .map_or_else(|| trace_id.randomness(), |value| value as u64)
}

/// `state` without a threshold; `None` when it carries none and can stay as it is.
#[must_use]
#[inline]
pub fn erase(state: &TraceState) -> Option<TraceState> {
    if state.is_empty() {
        return None;
    }
    erase_from(state)
}

fn erase_from(state: &TraceState) -> Option<TraceState> {
    sub_key(state, "th")?;
    let member = rebuild(state, None);
    Some(if member.is_empty() {
        state.without(MEMBER)
    } else {
        state
            .with(MEMBER, &member)
            .unwrap_or_else(|_| state.without(MEMBER))
    })
}

/// What a span that follows `parent`'s decision does to the state: a threshold that does not agree with the sampled flag, or that an
/// unsampled parent carries, is erased. `None` keeps it.
pub(super) fn check(parent: &SpanContext, sampled: bool) -> Option<TraceState> {
    let state = parent.trace_state();
    if state.is_empty() {
        return None;
    }
    sub_key(state, "th")?;
    let agrees = sampled
        && Threshold::of(state)
            .is_some_and(|threshold| threshold.keeps(randomness(state, parent.trace_id())));
    if agrees { None } else { erase(state) }
}

fn sub_key<'a>(state: &'a TraceState, key: &str) -> Option<&'a str> {
    let member = state.get(MEMBER)?;
    member
        .split(';')
        .filter_map(|pair| pair.split_once(':'))
        .find(|pair| pair.0 == key)
        .map(|pair| pair.1)
}

/// The member with its threshold replaced or left out; the other sub-keys as they are.
fn rebuild(state: &TraceState, threshold: Option<&str>) -> String {
    let mut member = String::new();
    if let Some(threshold) = threshold {
        member.push_str("th:");
        member.push_str(threshold);
    }
    for pair in state.get(MEMBER).unwrap_or_default().split(';') {
        if pair.is_empty() || pair.starts_with("th:") {
            continue;
        }
        if !member.is_empty() {
            member.push(';');
        }
        member.push_str(pair);
    }
    member
}
