//! Unary calls of gRPC through a layer, on both sides.

use grpc_trace::{ClientTraceLayer, TraceLayer};
use tower::Layer as _;
use tracing_core_ctx::sampler::{AlwaysOn, ParentBased};

use crate::client::{ALL, Above, handler};
use crate::exchange::Exchanges;
use crate::ours::{self, Way};
use crate::subject::{Entry, Traced};
use crate::work::Size;
use crate::{Case, Error, Work, peers};

pub(crate) mod call;

use call::{TARGET, greeter, received, to_be_sent};

/// The service, asked as a connection asks it. Whether the caller samples is what is above.
pub(crate) const SERVER_BARE: (&str, fn(Above) -> Box<dyn Work>) = ("greeter", |above| {
    Box::new(Exchanges::new(greeter(), received(above)))
});

/// The connection, asked as a generated client asks it.
pub(crate) const CLIENT_BARE: (&str, fn(Above) -> Box<dyn Work>) = ("connection", |_| {
    Box::new(Exchanges::new(greeter(), to_be_sent))
});

const SINK: Entry<Above> = Entry {
    name: "grpc-trace",
    packages: &["grpc_trace", "tracing_core_ctx"],
    bare: SERVER_BARE,
    traced: |above| serve(above, Way::Sink),
    cases: ALL,
};

const BYTES: Entry<Above> = Entry {
    name: "grpc-trace, OTLP bytes",
    packages: &["grpc_trace", "tracing_core_ctx", "trace_pipeline"],
    traced: |above| serve(above, Way::Pipeline),
    ..SINK
};

const SERVERS: &[Entry<Above>] = &[SINK, BYTES];

const CLIENTS: &[Entry<Above>] = &[
    Entry {
        bare: CLIENT_BARE,
        traced: |above| send(above, Way::Sink),
        ..SINK
    },
    Entry {
        bare: CLIENT_BARE,
        traced: |above| send(above, Way::Pipeline),
        ..BYTES
    },
];

pub(crate) fn cases() -> Vec<Case> {
    let groups = [
        ("grpc server", [SERVERS, peers::GRPC_SERVERS]),
        ("grpc client", [CLIENTS, peers::GRPC_CLIENTS]),
    ];
    let cases = groups.into_iter().flat_map(|(group, subjects)| {
        [
            ("sampled", Above::Sampled, Size::BATCH),
            ("unsampled", Above::Unsampled, Size::BATCH.unrecorded()),
        ]
        .map(|(name, above, size)| Case::new(group, name, size, above, &subjects))
    });
    cases.collect()
}

fn serve(above: Above, way: Way) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    let service = TraceLayer::new(tracer).layer(greeter());
    Ok(Traced::new(
        Exchanges::new(service, received(above)),
        delivery,
    ))
}

fn send(above: Above, way: Way) -> Result<Traced, Error> {
    let (tracer, delivery) = ours::set_up(way, ParentBased::new(AlwaysOn))?;
    let service = ClientTraceLayer::new(tracer)
        .target(TARGET)
        .layer(greeter());
    let context = handler(above);
    let exchanges = Exchanges::new(service, to_be_sent);
    Ok(Traced::new(
        exchanges.within(move || context.clone().attach()),
        delivery,
    ))
}
