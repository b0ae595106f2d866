use std::time::Duration;

use http::StatusCode;
use tokio::runtime::Runtime;
use trace_pipeline::metrics::ExchangeMetrics;
use tracing_core_ctx::SpanKind;

use super::*;
use crate::draw::{Outcome, Span, Trace};
use crate::telemetry::Telemetry;
use crate::visit::{Answer, VISITS};

type TestResult = Result<(), BoxError>;

/// Opens a shop, makes one visit, and returns what came of it.
fn visit(kind: &str) -> Result<(Answer, Vec<Trace>), BoxError> {
    crate::logs::install(false);
    let runtime = Runtime::new()?;
    let mut telemetry = Telemetry::new(None);
    let brokers = runtime.block_on(Brokers::open(None, None))?;
    let gateway = runtime.block_on(open(&brokers, |service| telemetry.tracer(service)))?;
    let visit = VISITS
        .iter()
        .find(|visit| visit.kind == kind)
        .ok_or("no such visit")?;
    let answer = runtime.block_on(visit.make(gateway));
    let spans = telemetry.collect(Duration::from_secs(10), &brokers.underway);
    Ok((
        answer,
        Trace::assemble(spans.iter().map(Span::from).collect()),
    ))
}

fn is(answer: &Answer, status: StatusCode) -> bool {
    matches!(answer, Answer::Answered(answered) if *answered == status)
}

/// Services and names of all spans on the way from the root to the last one of this name.
fn way_to<'a>(trace: &'a Trace, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut way = Vec::new();
    let mut next = trace.spans().filter(|span| span.name == name).last();
    while let Some(span) = next {
        way.push((&*span.service, &*span.name));
        next = trace.spans().find(|other| Some(other.id) == span.parent);
    }
    way.reverse();
    way
}

#[test]
fn an_order_is_one_trace_through_all_services() -> TestResult {
    let (answer, traces) = visit("ok")?;
    assert!(is(&answer, StatusCode::CREATED), "{answer:?}");
    assert_eq!(traces[0].roots.len(), 1);
    assert_eq!(
        way_to(&traces[0], "score"),
        [
            ("gateway", "POST /checkout"),
            ("gateway", "POST /orders"),
            ("orders", "POST /orders"),
            ("orders", "charge"),
            ("orders", "shop.v1.Payment/Charge"),
            ("payment", "shop.v1.Payment/Charge"),
            ("payment", "GET /risk/{customer}"),
            ("fraud", "GET /risk/{customer}"),
            ("fraud", "score"),
        ]
    );
    let mut services = traces[0].services();
    services.sort_unstable();
    let mut all = NAMES.to_vec();
    all.retain(|name| !["postmaster", "analytics"].contains(name));
    all.sort_unstable();
    assert_eq!(services, all);
    Ok(())
}

#[test]
fn a_span_by_the_api_of_opentelemetry_is_where_it_was_made() -> TestResult {
    let (_, traces) = visit("ok")?;
    let way = way_to(&traces[0], "find session");
    let [.., asked, answered, found] = way[..] else {
        return Err(format!("{way:?}").into());
    };
    assert_eq!(asked, ("gateway", "GET /session"));
    assert_eq!(answered, ("auth", "GET /session"));
    assert_eq!(found, ("auth", "find session"));
    Ok(())
}

#[test]
fn the_gateway_counts_what_it_answers_and_what_it_sends() -> TestResult {
    let runtime = Runtime::new()?;
    let mut telemetry = Telemetry::new(None);
    let brokers = runtime.block_on(Brokers::open(None, None))?;
    let gateway = runtime.block_on(open(&brokers, |service| telemetry.tracer(service)))?;
    runtime.block_on(async {
        for kind in ["ok", "failed"] {
            let visit = VISITS.iter().find(|visit| visit.kind == kind);
            visit.ok_or("no such visit")?.make(gateway).await;
        }
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{gateway}/metrics");
        let answer = client.get(url).send().await?;
        assert_eq!(
            answer.headers()["content-type"],
            ExchangeMetrics::OPENMETRICS
        );
        let page = answer.text().await?;
        let counts = |beginning: &str, label: &str| {
            let lines = page.lines().filter(|line| line.starts_with(beginning));
            lines.filter(|line| line.contains(label)).count()
        };
        let server = "http_server_request_duration_seconds_count";
        assert_eq!(counts(server, "http_route=\"/checkout\""), 2, "{page}");
        assert_eq!(counts(server, "/metrics"), 0, "{page}");
        let client = "http_client_request_duration_seconds_count";
        assert!(
            counts(client, "server_address=\"127.0.0.1\"") >= 2,
            "{page}"
        );
        assert!(page.contains(" # {trace_id="), "{page}");
        Ok(())
    })
}

#[test]
fn baggage_of_the_gateway_is_read_three_services_further_on() -> TestResult {
    let (_, traces) = visit("ok")?;
    let events = traces[0]
        .spans()
        .filter(|span| span.service == "fraud")
        .flat_map(|span| &span.events);
    let events: Vec<&str> = events.map(|event| &*event.text).collect();
    assert_eq!(events, ["rules.read tier=gold"]);
    Ok(())
}

#[test]
fn the_trace_goes_on_through_both_brokers() -> TestResult {
    let (_, traces) = visit("ok")?;
    let way = way_to(&traces[0], "process mails");
    let [.., order, announced, notified, published, mailed] = way[..] else {
        return Err(format!("{way:?}").into());
    };
    assert_eq!(order, ("orders", "POST /orders"));
    assert_eq!(announced, ("orders", "send orders.placed"));
    assert_eq!(notified, ("notifications", "process orders.placed"));
    assert_eq!(published, ("notifications", "publish mails"));
    assert_eq!(mailed, ("email", "process mails"));
    for name in ["process orders.placed", "process mails"] {
        let span = traces[0]
            .spans()
            .find(|span| span.name == name)
            .ok_or(name)?;
        assert!(
            span.queued_since().is_some_and(|sent| sent <= span.start),
            "{span:?}"
        );
    }
    Ok(())
}

#[test]
fn a_batch_follows_from_each_of_its_messages_in_a_trace_of_its_own() -> TestResult {
    let (_, traces) = visit("ok")?;
    let batches = traces[1..].iter().flat_map(Trace::spans);
    let batches: Vec<&Span> = batches
        .filter(|span| span.kind == SpanKind::Consumer)
        .collect();
    assert!(
        batches.iter().all(|span| span.service == "analytics"),
        "{batches:?}"
    );
    let links = batches.iter().flat_map(|span| &span.links);
    let mut links: Vec<&str> = links.map(|link| &*link.label).collect();
    links.sort_unstable();
    assert_eq!(
        links,
        ["orders send orders.placed", "payment send payments.charged"]
    );
    Ok(())
}

#[test]
fn a_dead_letter_follows_from_who_first_sent_it() -> TestResult {
    let (answer, traces) = visit("bounced")?;
    assert!(is(&answer, StatusCode::CREATED), "{answer:?}");
    let span = |service: &str| {
        let mut spans = traces[0].spans();
        spans.find(move |span| span.service == service && span.kind == SpanKind::Consumer)
    };
    let bounced = span("email").ok_or("no mail")?;
    assert_eq!(
        (bounced.outcome, &*bounced.label),
        (Outcome::Failed, "reject")
    );
    let buried = span("postmaster").ok_or("no dead letter")?;
    assert_eq!(buried.links[0].label, "notifications publish mails");
    assert_eq!(
        (buried.outcome, &*buried.label),
        (Outcome::Unremarkable, "ack")
    );
    Ok(())
}

#[test]
fn a_declined_charge_fails_who_asked_for_it_and_not_who_answered() -> TestResult {
    let (answer, traces) = visit("declined")?;
    assert!(is(&answer, StatusCode::PAYMENT_REQUIRED), "{answer:?}");
    let declined = |span: &&Span| ["402", "FAILED_PRECONDITION"].contains(&&*span.label);
    assert_eq!(traces[0].spans().filter(declined).count(), 5);
    for span in traces[0].spans().filter(declined) {
        let expected = if span.kind == SpanKind::Client {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        assert_eq!(span.outcome, expected, "{span:?}");
    }
    assert_eq!(traces.len(), 1, "nothing is announced");
    Ok(())
}

#[test]
fn a_warehouse_out_of_reach_is_asked_twice_and_the_payment_is_called_off() -> TestResult {
    let (answer, traces) = visit("failed")?;
    assert!(is(&answer, StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    let attempts = traces[0]
        .spans()
        .filter(|span| span.kind == SpanKind::Client && span.name == "shop.v1.Inventory/Reserve");
    let attempts: Vec<&str> = attempts.map(|span| &*span.label).collect();
    assert_eq!(attempts, ["UNAVAILABLE", "UNAVAILABLE"]);
    let charge = traces[0].spans().find(|span| span.name == "charge");
    assert_eq!(charge.map(|span| span.outcome), Some(Outcome::Cancelled));
    Ok(())
}

#[test]
fn a_customer_who_leaves_cancels_all_that_is_under_way() -> TestResult {
    let (answer, traces) = visit("cancelled")?;
    assert!(matches!(answer, Answer::GivenUp), "{answer:?}");
    assert_eq!(traces.len(), 1);
    let way = way_to(&traces[0], "shop.v1.Payment/Charge");
    assert!(way.len() >= 5, "{way:?}");
    for (service, name) in way {
        let mut spans = traces[0]
            .spans()
            .filter(|span| span.service == service && span.name == name);
        assert!(
            spans.all(|span| span.outcome == Outcome::Cancelled),
            "{service} {name}"
        );
    }
    Ok(())
}

#[test]
fn a_streamed_answer_is_recorded_to_its_last_piece() -> TestResult {
    let (answer, traces) = visit("streamed")?;
    assert!(is(&answer, StatusCode::OK), "{answer:?}");
    let inventory = traces[0]
        .spans()
        .find(|span| span.service == "inventory")
        .ok_or("not asked")?;
    assert_eq!(inventory.events.len(), 3);
    let gateway = &traces[0].nodes[0].span;
    assert!(
        inventory
            .events
            .iter()
            .all(|event| event.time <= inventory.end && event.time <= gateway.end)
    );
    Ok(())
}

#[test]
fn a_streamed_call_is_recorded_to_its_status() -> TestResult {
    let (_, traces) = visit("ok")?;
    let reserve = |kind| {
        let mut spans = traces[0].spans();
        spans.find(move |span| span.name == "shop.v1.Inventory/Reserve" && span.kind == kind)
    };
    let client = reserve(SpanKind::Client).ok_or("not called")?;
    let server = reserve(SpanKind::Server).ok_or("not answered")?;
    assert_eq!((&*client.label, &*server.label), ("OK", "OK"));
    assert_eq!(server.events.len(), 2);
    assert!(server.events.iter().all(|event| event.time <= server.end));
    Ok(())
}

#[test]
fn a_wrong_path_has_no_route() -> TestResult {
    let (answer, traces) = visit("not found")?;
    assert!(is(&answer, StatusCode::NOT_FOUND), "{answer:?}");
    let span = &traces[0].nodes[0].span;
    assert_eq!((&*span.name, span.outcome), ("GET", Outcome::Refused));
    Ok(())
}
