//! What the users of OpenTelemetry's API wrote.

use opentelemetry::trace::{FutureExt as _, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};

pub(crate) async fn checkout() {
    let tracer = global::tracer("shop");
    let span = tracer
        .span_builder("checkout")
        .with_attributes([KeyValue::new("shop.items", 3)])
        .start(&tracer);
    let context = Context::current_with_span(span);
    let work = async {
        charge();
        tokio::spawn(reserve().with_current_context()).await
    };
    let reserved = work.with_context(context.clone()).await;
    if reserved.is_err() {
        context.span().set_status(Status::error("not reserved"));
    }
    context.span().end();
}

fn charge() {
    global::tracer("bank").in_span("charge", |context| {
        context.span().add_event("charged", vec![]);
    });
}

async fn reserve() {
    let span = global::tracer("stock").start("reserve");
    let context = Context::current_with_span(span);
    tokio::task::yield_now().with_context(context).await;
}
