//! What requests say again and again, described once: a service is mostly asked for the same routes, by the same few callers, under one name.
//!
//! ```text
//!   Said { settings, number, peer, texts }   --fingerprint-->  place of this thread  { Said, SpanTemplate }
//!        the same as what is kept there:  the template is copied
//!        met the second time running:     described, and kept from now on
//!        else:                            described, and nothing but the fingerprint is kept
//! ```
//!
//! Nothing is believed by a fingerprint alone: what is kept is compared byte by byte. Callers that never come twice cost a few dozen
//! instructions each.

use std::array;
use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::LocalKey;

use tracing_core_ctx::span::{SpanTemplate, SpanWriter};

/// Everything that the repeated part of a description depends on. Requests of which all of it is the same get the same name and the same
/// attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a, const TEXTS: usize> {
    /// By whose settings it is described.
    pub settings: Settings,
    /// What is no text, such as a version.
    pub number: u32,
    /// Whose address is described.
    pub peer: Option<IpAddr>,
    /// What the request itself says.
    pub texts: [&'a [u8]; TEXTS],
}

/// The settings of a layer, told from all others that there were in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings(u64);

impl Settings {
    /// New ones: also those that have changed.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// What a thread keeps of one kind of requests.
pub struct Repeats<const TEXTS: usize> {
    places: [Place<TEXTS>; PLACES],
}

struct Place<const TEXTS: usize> {
    /// Of what was described last and is not kept.
    met: Cell<u32>,
    /// Taken out while it is in use.
    kept: Cell<Option<Box<Kept<TEXTS>>>>,
}

struct Kept<const TEXTS: usize> {
    settings: Settings,
    number: u32,
    peer: Option<IpAddr>,
    texts: [Vec<u8>; TEXTS],
    template: SpanTemplate,
}

/// Places of a thread: routes times callers that are frequent.
const PLACES: usize = 32;

/// The longest texts that are kept, in bytes all together.
const LONGEST: usize = 512;

impl<const TEXTS: usize> Repeats<TEXTS> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            places: [const {
                Place {
                    met: Cell::new(0),
                    kept: Cell::new(None),
                }
            }; PLACES],
        }
    }

    /// Writes on `span` what `describe` writes for requests that say this, and keeps it if `describe` says that it may. `describe` must depend on
    /// nothing else then, and the span is to have nothing yet: what it has is kept too.
    #[inline]
    pub fn describe(
        own: &'static LocalKey<Self>,
        said: &Said<'_, TEXTS>,
        span: &mut SpanWriter<'_>,
        describe: impl Fn(&mut SpanWriter<'_>) -> bool,
    ) {
        let described = own.try_with(|own| own.describe_here(said, span, &describe));
        // A thread that is being torn down keeps nothing.
        if described.is_err() {
            describe(span);
        }
    }

    #[inline]
    fn describe_here(
        &self,
        said: &Said<'_, TEXTS>,
        span: &mut SpanWriter<'_>,
        describe: impl Fn(&mut SpanWriter<'_>) -> bool,
    ) {
        let fingerprint = said.fingerprint();
        let Some(place) = self.places.get(fingerprint as usize % PLACES) else {
            describe(span);
            return;
        };
        let kept = place.kept.take();
        if let Some(kept) = &kept
            && kept.is(said)
        {
            span.use_template(&kept.template);
        } else if describe(span) && place.met.replace(fingerprint) == fingerprint {
            return place.keep(kept, said, span);
        }
        place.kept.set(kept);
    }
}

impl<const TEXTS: usize> Default for Repeats<TEXTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const TEXTS: usize> Said<'_, TEXTS> {
    /// Of the lengths and the ends of texts, where callers differ.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "halves of a number are taken one by one"
    )]
    fn fingerprint(&self) -> u32 {
        let mix = |state: u64, next: u64| (state.rotate_left(5) ^ next).wrapping_mul(MIX);
        let mut state = mix(self.settings.0, self.number.into());
        for text in self.texts {
            let end = text.last_chunk().map_or(0, |end| u64::from_le_bytes(*end));
            state = mix(state, end ^ text.len() as u64);
        }
        let peer = match self.peer {
            None => 0,
            Some(IpAddr::V4(peer)) => u64::from(peer.to_bits()),
            Some(IpAddr::V6(peer)) => {
                let bits = peer.to_bits();
                (bits >> 64) as u64 ^ bits as u64
            }
        };
        // The high bits are the mixed ones.
        (mix(state, peer) >> 32) as u32
    }
}

/// An odd number with as many ones as zeros: 2^64 by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl<const TEXTS: usize> Place<TEXTS> {
    #[cold]
    fn keep(&self, kept: Option<Box<Kept<TEXTS>>>, said: &Said<'_, TEXTS>, span: &SpanWriter<'_>) {
        if said.texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST {
            return self.kept.set(kept);
        }
        let mut kept = kept.unwrap_or_else(|| Box::new(Kept::new(said.settings)));
        kept.learn(said, span);
        self.kept.set(Some(kept));
    }
}

impl<const TEXTS: usize> Kept<TEXTS> {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            number: 0,
            peer: None,
            texts: array::from_fn(|_| Vec::new()),
            template: SpanTemplate::default(),
        }
    }

    fn learn(&mut self, said: &Said<'_, TEXTS>, span: &SpanWriter<'_>) {
        self.settings = said.settings;
        self.number = said.number;
        self.peer = said.peer;
        for (text, said) in self.texts.iter_mut().zip(said.texts) {
            text.clear();
            text.extend_from_slice(said);
        }
        self.template.learn(span);
    }

    #[inline]
    fn is(&self, said: &Said<'_, TEXTS>) -> bool {
        self.settings == said.settings
            && self.number == said.number
            && self.peer == said.peer
            && self
                .texts
                .iter()
                .zip(said.texts)
                .all(|(text, said)| **text == *said)
    }
}

impl<const TEXTS: usize> fmt::Debug for Repeats<TEXTS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeats").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::Tracer;

    use super::*;

    fn said(text: &str) -> Said<'_, 1> {
        Said {
            settings: Settings(1),
            number: 0,
            peer: None,
            texts: [text.as_bytes()],
        }
    }

    /// The name of a span that says this.
    fn describe(repeats: &Repeats<1>, text: &str, may_be_kept: bool) -> String {
        let mut name = String::new();
        let tracer = Tracer::builder().sink(Nobody).build();
        let span = tracer.span("").root().start_with(|span| {
            repeats.describe_here(&said(text), span, |span| {
                span.update_name(text);
                may_be_kept
            });
            name.push_str(span.name());
        });
        span.end();
        name
    }

    #[derive(Debug)]
    struct Nobody;

    impl tracing_core_ctx::SpanSink for Nobody {
        fn submit(&self, _: tracing_core_ctx::SpanRecord) {}
    }

    fn kept(repeats: &Repeats<1>) -> usize {
        let is_kept = |place: &&Place<1>| {
            let kept = place.kept.take();
            let is_kept = kept.is_some();
            place.kept.set(kept);
            is_kept
        };
        repeats.places.iter().filter(is_kept).count()
    }

    #[test]
    fn what_comes_once_is_not_kept_and_what_comes_twice_running_is() {
        let repeats = Repeats::new();
        for caller in 0..2000 {
            let text = format!("caller {caller}");
            assert_eq!(describe(&repeats, &text, true), text);
        }
        assert_eq!(kept(&repeats), 0);
        for _ in 0..3 {
            assert_eq!(describe(&repeats, "a caller", true), "a caller");
        }
        assert_eq!(kept(&repeats), 1);
    }

    #[test]
    fn what_may_not_be_kept_or_is_long_is_not() {
        let (repeats, long) = (Repeats::new(), "x".repeat(LONGEST + 1));
        for _ in 0..3 {
            assert_eq!(describe(&repeats, "a caller", false), "a caller");
            assert_eq!(describe(&repeats, &long, true), long);
        }
        assert_eq!(kept(&repeats), 0);
    }

    #[test]
    fn two_with_one_fingerprint_are_told_apart() {
        let (one, two) = ("one of ours/1.0.0", "two of ours/1.0.0");
        assert_eq!(said(one).fingerprint(), said(two).fingerprint());
        let repeats = Repeats::new();
        for text in [one, one, one, two, two, one, two, one] {
            assert_eq!(describe(&repeats, text, true), text);
        }
    }
}
