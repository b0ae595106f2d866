//! fastrace-tonic. On the server a span that ends with the head of the answer; on the client a header, with a span of fastrace around
//! the call, since it makes none.
//!
//! No attribute, not even the status; the name is the whole URI; no tracestate.

use fastrace::Span;
use fastrace::future::FutureExt as _;
use fastrace_tonic::{FastraceClientLayer, FastraceServerLayer};
use tower::{Layer as _, Service as _, service_fn};

use super::fastrace::{remote, set_up};
use crate::Error;
use crate::client::{ALL, Above};
use crate::exchange::Exchanges;
use crate::grpc::call::{Call, greeter, received, to_be_sent};
use crate::grpc::{CLIENT_BARE, SERVER_BARE};
use crate::subject::{Entry, Traced};

pub(crate) const SERVER: Entry<Above> = Entry {
    name: "fastrace-tonic",
    packages: &["fastrace_tonic", "fastrace"],
    bare: SERVER_BARE,
    traced: serve,
    cases: ALL,
};

pub(crate) const CLIENT: Entry<Above> = Entry {
    bare: CLIENT_BARE,
    traced: send,
    ..SERVER
};

fn serve(above: Above) -> Result<Traced, Error> {
    let delivery = set_up();
    let service = FastraceServerLayer::default().layer(greeter());
    Ok(Traced::new(
        Exchanges::new(service, received(above)),
        delivery,
    ))
}

fn send(above: Above) -> Result<Traced, Error> {
    let delivery = set_up();
    let mut layered = FastraceClientLayer.layer(greeter());
    let service = service_fn(move |call: Call| {
        let span = Span::enter_with_local_parent(call.uri().path().to_owned());
        let answer = {
            let _scope = span.set_local_parent();
            layered.call(call)
        };
        answer.in_span(span)
    });
    // A collector waits for the root of a trace, so each batch has one.
    let exchanges = Exchanges::new(service, to_be_sent).within(move || {
        let root = Span::root("handler", remote(above));
        (root.set_local_parent(), root)
    });
    Ok(Traced {
        others: usize::from(above == Above::Sampled),
        ..Traced::new(exchanges, delivery)
    })
}
