use std::borrow::Cow;

use super::{AlwaysOff, AlwaysOn, Decision, Sampler, Sampling, SamplingInput, threshold};
use crate::SpanContext;
use crate::context::SamplingHint;
use crate::semconv::CTX_SAMPLING_REASON;

/// Does what the parent did; asks `root` where there is no parent.
///
/// For each kind of parent another sampler can be named (OpenTelemetry SDK, "ParentBased"). A caller that sent a wish without a
/// decision (B3's `b3: 0`, `b3: d`) is heard too; one that deferred is decided by `root`. A trace that is
/// [forced](SamplingHint::Forced), or that its caller [debugs](SamplingHint::Debug), is kept whatever samplers are named, and its first span here
/// says `ctx.sampling.reason=forced`.
#[derive(Debug)]
pub struct ParentBased {
    root: Box<dyn Sampler>,
    remote_sampled: Option<Box<dyn Sampler>>,
    remote_not_sampled: Option<Box<dyn Sampler>>,
    local_sampled: Option<Box<dyn Sampler>>,
    local_not_sampled: Option<Box<dyn Sampler>>,
}

impl ParentBased {
    /// Follows every parent; `root` decides for new traces.
    pub fn new(root: impl Sampler + 'static) -> Self {
        Self {
            root: Box::new(root),
            remote_sampled: None,
            remote_not_sampled: None,
            local_sampled: None,
            local_not_sampled: None,
        }
    }

    /// Who decides below a sampled parent of another process. Default: sampled.
    #[must_use]
    pub fn remote_parent_sampled(mut self, sampler: impl Sampler + 'static) -> Self {
        self.remote_sampled = Some(Box::new(sampler));
        self
    }

    /// Who decides below an unsampled parent of another process. Default: dropped.
    #[must_use]
    pub fn remote_parent_not_sampled(mut self, sampler: impl Sampler + 'static) -> Self {
        self.remote_not_sampled = Some(Box::new(sampler));
        self
    }

    /// Who decides below a sampled parent of this process. Default: sampled.
    #[must_use]
    pub fn local_parent_sampled(mut self, sampler: impl Sampler + 'static) -> Self {
        self.local_sampled = Some(Box::new(sampler));
        self
    }

    /// Who decides below an unsampled parent of this process. Default: dropped.
    #[must_use]
    pub fn local_parent_not_sampled(mut self, sampler: impl Sampler + 'static) -> Self {
        self.local_not_sampled = Some(Box::new(sampler));
        self
    }
}

impl Sampler for ParentBased {
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling {
        let is_debug = input.hint == Some(SamplingHint::Debug);
        let is_first = input.parent.is_none_or(SpanContext::is_remote);
        match input.hint {
            Some(hint)
                if hint == SamplingHint::Forced
                    || hint == SamplingHint::Accept && input.parent.is_none()
                    || is_debug && is_first =>
            {
                // Kept for a reason that is no probability.
                let mut sampling = Sampling::new(Decision::RecordAndSample);
                sampling.trace_state = threshold::erase(input.trace_state());
                sampling.attributes.set(CTX_SAMPLING_REASON, "forced");
                return sampling;
            }
            Some(SamplingHint::Deny) if input.parent.is_none() => {
                return Sampling::new(Decision::Drop);
            }
            Some(SamplingHint::Defer) => return self.root.sample(input),
            _ => {}
        }
        let Some(parent) = input.parent else {
            return self.root.sample(input);
        };
        let sampled = parent.is_sampled();
        let other = match (parent.is_remote(), sampled) {
            (true, true) => &self.remote_sampled,
            (true, false) => &self.remote_not_sampled,
            (false, true) => &self.local_sampled,
            (false, false) => &self.local_not_sampled,
        };
        if let Some(other) = other
            && !(is_debug && sampled)
        {
            return other.sample(input);
        }
        let decision = if sampled {
            Decision::RecordAndSample
        } else {
            Decision::Drop
        };
        let mut sampling = Sampling::new(decision);
        sampling.trace_state = threshold::check(parent, sampled);
        sampling
    }

    fn description(&self) -> Cow<'static, str> {
        let or = |sampler: &Option<Box<dyn Sampler>>, default: &dyn Sampler| match sampler {
            Some(sampler) => sampler.description(),
            None => default.description(),
        };
        format!(
            "ParentBased{{root:{},remoteParentSampled:{},remoteParentNotSampled:{},localParentSampled:{},localParentNotSampled:{}}}",
            self.root.description(),
            or(&self.remote_sampled, &AlwaysOn),
            or(&self.remote_not_sampled, &AlwaysOff),
            or(&self.local_sampled, &AlwaysOn),
            or(&self.local_not_sampled, &AlwaysOff),
        )
        .into()
    }
}
