/// What a caller wished for the sampling of its trace, beyond the sampled flag.
///
/// B3 can say "yes", "no" or "debug" without any id; a debug wish also travels on. It is kept beside the trace flags because their second bit
/// means something else in W3C Trace Context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplingHint {
    /// The caller records.
    Accept,
    /// The caller wants this trace whatever samplers say.
    Debug,
    /// The caller left the decision to us.
    Defer,
    /// The caller does not record.
    Deny,
    /// Somebody who has proven the right to it wants this trace, whatever samplers say and however little the caller is trusted.
    Forced,
}
