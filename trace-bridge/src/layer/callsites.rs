//! What is known of all spans that are made at one place in the code: put together when the first of them is.

use std::sync::OnceLock;

use tracing::Metadata;
use tracing_core_ctx::attribute::StaticKey;
use tracing_core_ctx::span::SpanTemplate;

use super::Settings;
use super::otel::Otel;
use super::place;

/// A program with more of them describes the spans of some anew each time.
const PLACES: usize = 1024;

/// How far from where a callsite belongs it is looked for.
const PROBES: usize = 4;

pub(super) struct Callsites {
    places: Box<[OnceLock<Callsite>]>,
}

/// A place in the code where spans are made.
pub(super) struct Callsite {
    metadata: &'static Metadata<'static>,
    /// The name, and what [`place::describe`] says.
    pub(super) template: SpanTemplate,
    /// The names of the fields, if every field is an attribute that is not there yet, and says nothing else.
    pub(super) plain: Option<Box<[StaticKey]>>,
}

impl Callsites {
    pub(super) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| OnceLock::new()).collect(),
        }
    }

    /// What is known of a callsite; `None` if there is no room for it.
    #[inline]
    pub(super) fn get(
        &self,
        metadata: &'static Metadata<'static>,
        settings: &Settings,
    ) -> Option<&Callsite> {
        let first = std::ptr::from_ref(metadata).addr() / align_of::<Metadata<'_>>();
        match self.places.get(first % PLACES)?.get() {
            Some(callsite) if std::ptr::eq(callsite.metadata, metadata) => Some(callsite),
            Some(_) | None => self.look(metadata, settings, first),
        }
    }

    /// The same of one that is new, or does not lie where it belongs.
    #[cold]
    fn look(
        &self,
        metadata: &'static Metadata<'static>,
        settings: &Settings,
        first: usize,
    ) -> Option<&Callsite> {
        (first..first.saturating_add(PROBES)).find_map(|place| {
            let place = self.places.get(place % PLACES)?;
            let callsite = place.get_or_init(|| Callsite::new(metadata, settings));
            std::ptr::eq(callsite.metadata, metadata).then_some(callsite)
        })
    }
}

impl Callsite {
    #[cold]
    pub(super) fn new(metadata: &'static Metadata<'static>, settings: &Settings) -> Self {
        let mut template = SpanTemplate::new(metadata.name());
        place::describe(settings, metadata, &mut template);
        let names: Vec<&'static str> = metadata.fields().iter().map(|field| field.name()).collect();
        let is_plain = names.iter().enumerate().all(|(position, name)| {
            *name != "error"
                && !Otel::takes(name)
                && !names[..position].contains(name)
                && template.attributes().get(name).is_none()
                && !(settings.threads && place::is_of_thread(name))
        });
        let keys = || names.into_iter().map(StaticKey::new).collect();
        Self {
            metadata,
            template,
            plain: is_plain.then(keys).flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TracingLayer;
    use tracing_core_ctx::Tracer;

    fn metadata_of(span: &tracing::Span) -> &'static Metadata<'static> {
        span.metadata().unwrap()
    }

    fn callsite<R>(span: impl FnOnce() -> tracing::Span, look: impl FnOnce(&Callsite) -> R) -> R {
        let metadata = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            metadata_of(&span())
        });
        let layer = TracingLayer::new(Tracer::noop());
        let callsite = layer.callsites.get(metadata, &layer.settings).unwrap();
        let again = layer.callsites.get(metadata, &layer.settings).unwrap();
        assert!(std::ptr::eq(callsite, again));
        look(callsite)
    }

    #[test]
    fn a_callsite_is_described_once() {
        callsite(
            || tracing::info_span!("price", sku = 1, count = 2),
            |callsite| {
                assert_eq!(callsite.plain.as_ref().map(|keys| keys.len()), Some(2));
                assert_eq!(callsite.template.name(), "price");
                assert_eq!(callsite.template.attributes().len(), 4);
            },
        );
    }

    #[test]
    fn fields_that_say_more_or_what_is_said_already_are_not_plain() {
        let is_plain = |callsite: &Callsite| callsite.plain.is_some();
        assert!(!callsite(
            || tracing::info_span!("a", error = "x"),
            is_plain
        ));
        assert!(!callsite(
            || tracing::info_span!("b", otel.name = "x"),
            is_plain
        ));
        assert!(!callsite(|| tracing::info_span!("c", level = 3), is_plain));
        assert!(!callsite(
            || tracing::info_span!("d", code.file.path = "x"),
            is_plain
        ));
    }

    #[test]
    fn where_there_is_no_room_a_callsite_is_not_known() {
        let layer = TracingLayer::new(Tracer::noop());
        let known = (0..2 * PLACES)
            .filter(|_| {
                let metadata: &'static Metadata<'static> = Box::leak(Box::new(Metadata::new(
                    "name",
                    "target",
                    tracing::Level::INFO,
                    None,
                    None,
                    None,
                    tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(&NOWHERE)),
                    tracing::metadata::Kind::SPAN,
                )));
                layer.callsites.get(metadata, &layer.settings).is_some()
            })
            .count();
        assert!((PLACES / 4..=PLACES).contains(&known), "{known}");
    }

    struct Nowhere;

    static NOWHERE: Nowhere = Nowhere;

    impl tracing::Callsite for Nowhere {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks")
        }
    }
}
