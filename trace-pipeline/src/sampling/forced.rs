use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tracing_core_ctx::context::SamplingHint;
use tracing_core_ctx::propagation::{Extract, Extraction, Inject, Only};
use tracing_core_ctx::{Clock, Context, Propagator, SystemClock, Timestamp};

/// Signs and checks the header by which somebody forces a trace.
///
/// A token says until when it is good and nothing else: `1.1764000000.` and 64 hex digits, an HMAC-SHA256 with this key over what stands before
/// them. Whoever has one can force traces until then, so it is given for minutes.
///
/// ```
/// use std::time::Duration;
/// use trace_pipeline::sampling::ForceKey;
///
/// let key = ForceKey::new(*b"a secret of at least 32 bytes...");
/// let header = format!("x-trace-force: {}", key.token(Duration::from_secs(600)));
/// # assert!(header.len() > 80);
/// ```
#[derive(Clone)]
pub struct ForceKey {
    mac: Hmac<Sha256>,
}

const VERSION: &str = "1";
/// A signature in hex.
const DIGITS: usize = 64;
/// Long enough for any time, and short enough to be no burden.
const LONGEST: usize = DIGITS + 32;

impl ForceKey {
    /// A key. It should be random, of 32 bytes or more.
    #[must_use]
    pub fn new(secret: impl AsRef<[u8]>) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_ref());
        Self {
            // An HMAC takes a key of any length.
            mac: mac.unwrap_or_else(|_| {
                Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default())
            }),
        }
    }

    /// A token that is good for this long from now on.
    #[must_use]
    pub fn token(&self, period: Duration) -> String {
        let now = SystemClock::new().now();
        self.token_until(now.after(period))
    }

    /// A token that is good until `end`, in whole seconds.
    #[must_use]
    pub fn token_until(&self, end: impl Into<Timestamp>) -> String {
        let mut token = format!("{VERSION}.{}.", end.into().as_unix_nanos() / 1_000_000_000);
        let signature = self.sign(&token).finalize().into_bytes();
        for byte in signature {
            for digit in [byte >> 4, byte & 15] {
                token.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        token
    }

    fn sign(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac
    }

    /// Whether it is signed by this key and still good. Takes the same time wherever a signature differs.
    pub(crate) fn allows(&self, token: &[u8], now: Timestamp) -> bool {
        let Some((text, digits)) = std::str::from_utf8(token)
            .ok()
            .filter(|token| token.len() <= LONGEST)
            .and_then(|token| token.split_at_checked(token.len().checked_sub(DIGITS)?))
        else {
            return false;
        };
        let mut parts = text.split('.');
        let (Some(VERSION), Some(end), Some(""), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let Some(end) = end.parse::<u64>().ok() else {
            return false;
        };
        let mut signature = [0; DIGITS / 2];
        for (byte, pair) in signature.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).ok();
            match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(read) => *byte = read,
                None => return false,
            }
        }
        self.sign(text).verify_slice(&signature).is_ok()
            && now.as_unix_nanos() / 1_000_000_000 < end
    }
}

impl fmt::Debug for ForceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForceKey(..)")
    }
}

/// A propagator that also reads the header by which somebody forces a trace, and sees to it that this one is kept: by
/// [`Rules`](super::Rules) and by [`ParentBased`](tracing_core_ctx::sampler::ParentBased), even from a caller that is not trusted.
///
/// The header is not sent on, not even where a proxy copied it into the request of a traced client: below, the trace is sampled as any other. One that is forged or too old is ignored, and counted as a malformed
/// context.
///
/// ```
/// use trace_pipeline::Pipeline;
/// use trace_pipeline::sampling::{ForceKey, Forced};
/// # use trace_pipeline::exporter::InMemory;
/// use tracing_core_ctx::propagation::TraceContextAndBaggage;
///
/// # let secret = [7; 32];
/// let pipeline = Pipeline::builder()
///     .service("gateway")
///     .propagator(Forced::new(TraceContextAndBaggage::default(), ForceKey::new(secret)))
/// #   .exporter(InMemory::default())
///     .build()?;
/// # Ok::<(), trace_pipeline::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Forced<P> {
    inner: P,
    key: ForceKey,
    header: &'static str,
    clock: Arc<dyn Clock>,
}

impl<P> Forced<P> {
    /// Reads `x-trace-force` beside what `inner` reads.
    #[must_use]
    pub fn new(inner: P, key: ForceKey) -> Self {
        Self {
            inner,
            key,
            header: "x-trace-force",
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Reads another header; the name is lower case.
    #[must_use]
    pub const fn header(mut self, name: &'static str) -> Self {
        self.header = name;
        self
    }

    /// By another clock, for tests. Default: that of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<P: Propagator> Propagator for Forced<P> {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        self.inner.extract(extraction, carrier);
        match carrier.get_one(self.header) {
            Only::None => {}
            Only::One(token) if self.key.allows(token, self.clock.now()) => {
                extraction.update(|cx| cx.with_sampling_hint(SamplingHint::Forced));
            }
            Only::One(_) | Only::Many => extraction.report_malformed(),
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.inner.inject(context, carrier);
    }

    fn fields(&self) -> Vec<&'static str> {
        self.inner.fields()
    }

    fn reads(&self) -> Vec<&'static str> {
        let mut names = self.inner.reads();
        names.push(self.header);
        names
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use tracing_core_ctx::Tracer;
    use tracing_core_ctx::propagation::{B3, TraceContextAndBaggage};

    use super::*;
    use crate::exporter::InMemory;
    use crate::sampling::Rules;

    fn key() -> ForceKey {
        ForceKey::new([7; 32])
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_token_is_good_until_its_end_and_under_its_key() {
        let token = key().token_until(at(1000));
        assert!(token.starts_with("1.1000."), "{token}");
        assert!(key().allows(token.as_bytes(), at(999)));
        assert!(!key().allows(token.as_bytes(), at(1000)));
        assert!(!ForceKey::new([8; 32]).allows(token.as_bytes(), at(999)));
        let later = token.replace("1000", "2000");
        assert!(!key().allows(later.as_bytes(), at(999)));
        assert!(key().allows(
            key().token(Duration::from_secs(60)).as_bytes(),
            SystemClock::new().now()
        ));
    }

    #[test]
    fn the_signature_is_that_of_rfc_2104() {
        // python3 -c 'import hmac; print(hmac.new(b"key", b"1.1000.", "sha256").hexdigest())'
        let token = ForceKey::new("key").token_until(at(1000));
        assert_eq!(
            token,
            concat!(
                "1.1000.",
                "be07c55f24aea6a84da0d709701062a3b3717427bb152ed360ed074837be86e1"
            )
        );
    }

    #[test]
    fn whoever_has_a_token_has_its_trace_kept_and_nobody_else() {
        let spans = InMemory::default();
        let pipeline = crate::Pipeline::builder()
            .exporter(spans.clone())
            .rules(Rules::new().otherwise(0.0))
            .propagator(Forced::new(TraceContextAndBaggage::default(), key()))
            .build()
            .unwrap();
        let request = |tracer: &Tracer, token: &str| {
            let mut carrier = HashMap::new();
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
            carrier.insert("traceparent".to_owned(), parent.to_owned());
            carrier.insert("x-trace-force".to_owned(), token.to_owned());
            let context = tracer.extract(&carrier);
            tracer.span("request").parent(&context).start().end();
        };
        let tracer = pipeline.tracer();
        request(tracer, &key().token(Duration::from_secs(60)));
        request(
            tracer,
            &ForceKey::new("other").token(Duration::from_secs(60)),
        );
        request(tracer, "1");
        pipeline.flush(Duration::from_secs(10)).unwrap();
        let kept = spans.take();
        assert_eq!(kept.len(), 1);
        let reason = kept[0].record.attributes().get("ctx.sampling.reason");
        assert_eq!(reason.and_then(|reason| reason.as_str()), Some("forced"));
        assert_eq!(tracer.stats().malformed_contexts, 2);
    }

    #[test]
    fn the_token_is_among_what_is_read_beside_all_that_the_inner_one_reads() {
        let forced = Forced::new(B3::multi(), key());
        assert_eq!(forced.fields(), B3::multi().fields());
        let mut reads = B3::multi().reads();
        reads.push("x-trace-force");
        assert_eq!(forced.reads(), reads);
    }

    proptest! {
        #[test]
        fn nothing_made_up_is_good(token in prop_oneof![".{0,120}", "1\\.[0-9]{1,20}\\.[0-9a-f]{64}"]) {
            prop_assert!(!key().allows(token.as_bytes(), at(0)));
        }
    }
}
