//! OpenTelemetry's SDK: what the peers on it are set up with, and its own spans.
//!
//! Its batch processor has the limits that it has by default: 2048 spans in the queue, 512 in a batch.

use std::hint::black_box;

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};

use crate::Error;
use crate::client::{SPAN_ID, TRACE_ID};
use crate::raw::{ALL, BARE, FEW, MANY, Shape, Turns};
use crate::subject::{Entry, Traced};

/// The same for two versions of the same crates, whose types are not the same.
macro_rules! set_up {
    ($opentelemetry:ident, $sdk:ident, $bridge:ident) => {
        use std::sync::OnceLock;

        use axum_tracing_opentelemetry::tracing_opentelemetry_instrumentation_sdk::TRACING_TARGET;
        use tracing_subscriber::filter::{LevelFilter, Targets};
        use tracing_subscriber::layer::SubscriberExt as _;
        use $opentelemetry::trace::{
            SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
            TracerProvider as _,
        };
        use $opentelemetry::{Context, global};
        use $sdk::Resource;
        use $sdk::error::OTelSdkResult;
        use $sdk::propagation::TraceContextPropagator;
        use $sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};

        use crate::client::{Above, SPAN_ID, TRACE_ID};
        use crate::delivery::Counter;
        use crate::{Delivery, Error, request};

        /// Counts spans and drops them.
        #[derive(Clone, Debug, Default)]
        struct Counting(Counter);

        impl SpanExporter for Counting {
            async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
                self.0.add(batch.len());
                Ok(())
            }
        }

        /// A provider whose spans are counted.
        #[derive(Clone, Debug)]
        pub(crate) struct Provider {
            pub(crate) provider: SdkTracerProvider,
            counter: Counter,
        }

        impl Delivery for Provider {
            fn flush(&self) {
                // What is lost is missed in the count.
                let _ = self.provider.force_flush();
            }

            fn delivered(&self) -> u64 {
                self.counter.get()
            }
        }

        /// The provider and the propagator of the process. It samples as the caller does, and what has no caller; or nothing.
        pub(crate) fn install(
            exporter: impl SpanExporter + 'static,
            is_on: bool,
        ) -> SdkTracerProvider {
            let sampler = match is_on {
                true => Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
                false => Sampler::AlwaysOff,
            };
            let provider = SdkTracerProvider::builder()
                .with_resource(resource())
                .with_batch_exporter(exporter)
                .with_sampler(sampler)
                .build();
            global::set_tracer_provider(provider.clone());
            global::set_text_map_propagator(TraceContextPropagator::new());
            provider
        }

        pub(crate) fn resource() -> Resource {
            Resource::builder().with_service_name("orders").build()
        }

        /// Puts `tracing` in front of a provider. The filter decides once for each place in the code: it costs a span nothing.
        ///
        /// # Errors
        ///
        /// When the process has a subscriber already.
        pub(crate) fn subscribe(provider: &SdkTracerProvider) -> Result<(), Error> {
            let filter = Targets::new()
                .with_default(LevelFilter::INFO)
                .with_target(TRACING_TARGET, LevelFilter::TRACE);
            let layer = $bridge::layer().with_tracer(provider.tracer("orders"));
            let subscriber = tracing_subscriber::registry().with(filter).with(layer);
            tracing::subscriber::set_global_default(subscriber)?;
            Ok(())
        }

        /// A provider whose spans are counted.
        pub(crate) fn set_up(is_on: bool) -> Provider {
            let exporter = Counting::default();
            let counter = exporter.0.clone();
            Provider {
                provider: install(exporter, is_on),
                counter,
            }
        }

        /// The same with `tracing` in front of it.
        ///
        /// # Errors
        ///
        /// When the process has a subscriber already.
        pub(crate) fn set_up_with_tracing(is_on: bool) -> Result<Provider, Error> {
            let provider = set_up(is_on);
            subscribe(&provider.provider)?;
            Ok(provider)
        }

        /// What a handler's request came with.
        fn remote(above: Above) -> Context {
            let flags = match above {
                Above::Sampled => TraceFlags::SAMPLED,
                Above::Unsampled => TraceFlags::NOT_SAMPLED,
            };
            let (trace_id, span_id) = (TraceId::from(TRACE_ID), SpanId::from(SPAN_ID));
            let state: TraceState = request::TRACE_STATE.parse().unwrap_or_default();
            let remote = SpanContext::new(trace_id, span_id, flags, true, state);
            Context::new().with_remote_span_context(remote)
        }

        /// The span of a handler, below which requests are sent. It does not end.
        pub(crate) fn handler(above: Above) -> tracing::Span {
            use $bridge::OpenTelemetrySpanExt as _;

            static HANDLER: OnceLock<tracing::Span> = OnceLock::new();
            let handler = HANDLER.get_or_init(|| {
                let span = tracing::info_span!("handler");
                // It has not started yet.
                let _ = span.set_parent(remote(above));
                span
            });
            handler.clone()
        }
    };
}

/// The versions that most peers are on.
pub(crate) mod current {
    set_up!(opentelemetry, opentelemetry_sdk, tracing_opentelemetry);
}

/// The versions of the one that is behind.
pub(crate) mod previous {
    set_up!(
        opentelemetry_0_32,
        opentelemetry_sdk_0_32,
        tracing_opentelemetry_0_33
    );
}

pub(crate) use current::{handler, install, resource, set_up, set_up_with_tracing, subscribe};

/// Its spans, with attributes at the start, which is its fastest way.
pub(crate) const SPANS: Entry<Shape> = Entry {
    name: "opentelemetry_sdk",
    packages: &["opentelemetry_sdk"],
    bare: BARE,
    traced: spans,
    cases: ALL,
};

fn spans(shape: Shape) -> Result<Traced, Error> {
    let provider = set_up(true);
    let tracer = provider.provider.tracer("orders");
    let turn: Box<dyn FnMut()> = match shape {
        Shape::Root => Box::new(move || drop(tracer.start(black_box("order")))),
        Shape::RootWithChildren => Box::new(move || {
            trace(&tracer, FEW, || drop(tracer.start(black_box("step"))));
        }),
        Shape::Children => Box::new(move || trace(&tracer, MANY, || child(&tracer))),
        Shape::NotTraced => Box::new(move || child(&tracer)),
    };
    let mut turns = Turns::new(shape.turns(), turn);
    if shape == Shape::NotTraced {
        // Where nothing at all is active it would begin a trace.
        turns = turns.within(|| unsampled().attach());
    }
    Ok(Traced::new(turns, provider))
}

fn unsampled() -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(TRACE_ID),
        SpanId::from(SPAN_ID),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    ))
}

fn trace(tracer: &opentelemetry_sdk::trace::SdkTracer, children: usize, child: impl Fn()) {
    let scope = Context::current_with_span(tracer.start(black_box("order"))).attach();
    for _ in 0..children {
        child();
    }
    drop(scope);
}

fn child(tracer: &opentelemetry_sdk::trace::SdkTracer) {
    let mut span = tracer
        .span_builder(black_box("price"))
        .with_attributes([
            KeyValue::new("shop.item.sku", "AB-1234-XL"),
            KeyValue::new("shop.item.count", 3_i64),
            KeyValue::new("shop.item.price", 9.5),
            KeyValue::new("shop.item.in_stock", true),
        ])
        .start(tracer);
    span.end();
}
