use std::ops::Range;

use tracing_core_ctx::{SpanId, SpanKind, TraceId};

use super::*;

fn ms(time: Range<u64>) -> Range<u64> {
    time.start * 1_000_000..time.end * 1_000_000
}

/// A span of trace 1 with times in milliseconds.
pub(super) fn span(id: u64, parent: Option<u64>, name: &str, time: Range<u64>) -> Span {
    let time = ms(time);
    Span {
        service: "shop".into(),
        name: name.into(),
        trace: TraceId::from_u128(1).unwrap(),
        id: SpanId::from_u64(id).unwrap(),
        parent: parent.and_then(SpanId::from_u64),
        kind: SpanKind::Internal,
        is_repeated: false,
        start: time.start,
        end: time.end,
        outcome: Outcome::Unremarkable,
        label: String::new(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

fn server(span: Span, service: &str, label: &str) -> Span {
    Span {
        service: service.into(),
        kind: SpanKind::Server,
        label: label.into(),
        ..span
    }
}

fn client(span: Span, service: &str, label: &str) -> Span {
    Span {
        kind: SpanKind::Client,
        ..server(span, service, label)
    }
}

fn checkout() -> Vec<Span> {
    let mut root = server(span(1, None, "POST /checkout", 0..100), "gateway", "402");
    root.outcome = Outcome::Refused;
    let mut charge = span(6, Some(3), "charge", 30..90);
    charge.service = "orders".into();
    charge.outcome = Outcome::Failed;
    charge.label = "declined".into();
    charge.events.push(Event {
        time: 85_000_000,
        text: "payment.declined reason=limit".into(),
    });
    vec![
        // In no order: that is made.
        charge,
        client(span(2, Some(1), "POST /orders", 15..98), "gateway", "402"),
        root,
        server(span(3, Some(2), "POST /orders", 17..97), "orders", "402"),
        client(
            span(4, Some(1), "GET /sessions/{token}", 2..12),
            "gateway",
            "200",
        ),
        server(
            span(5, Some(4), "GET /sessions/{token}", 4..10),
            "auth",
            "200",
        ),
        Span {
            service: "orders".into(),
            ..span(7, Some(3), "reserve", 30..50)
        },
    ]
}

fn plain() -> Palette {
    Palette::new(Ink::Plain, &["gateway", "auth", "orders"])
}

fn draw(spans: Vec<Span>, palette: &Palette, width: usize) -> String {
    Trace::assemble(spans)
        .iter()
        .map(|trace| waterfall(trace, palette, width))
        .collect()
}

#[test]
fn a_trace_is_a_tree_beside_its_times() {
    let expected = [
        "  service  span                                  0 ms                100.0 ms",
        "  gateway  POST /checkout                        ▌──▐───────────────────────▐  100.0 ms   402",
        "  gateway  ├╴→ GET /sessions/{token}             ▐──▌                           10.0 ms   200",
        "  auth     │ └╴GET /sessions/{token}              ██                             6.0 ms   200",
        "  gateway  └╴→ POST /orders                          █──────────────────────▌   83.0 ms   402",
        "  orders     └╴POST /orders                           ███▌────────────────██    80.0 ms   402",
        "  orders       ├╴charge                                  ▐████████████████      60.0 ms ◀ ✗ declined",
        "               │   · payment.declined reason=limit                       •      85.0 ms",
        "  orders       └╴reserve                                 ╶─────                 20.0 ms",
        "  ◀ slowest part: orders charge, 60.0 ms of the 100.0 ms on the critical path (60 %)",
    ];
    let drawing = draw(checkout(), &plain(), 100);
    assert_eq!(drawing.lines().collect::<Vec<_>>(), expected, "\n{drawing}");
}

#[test]
fn the_same_spans_are_drawn_alike_in_whatever_order_they_came() {
    let mut spans = checkout();
    let drawing = draw(spans.clone(), &plain(), 90);
    spans.reverse();
    assert_eq!(draw(spans, &plain(), 90), drawing);
}

#[test]
fn no_row_is_wider_than_the_terminal() {
    for width in [60, 72, 80, 100, 133] {
        for line in draw(checkout(), &plain(), width).lines().take(8) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_terminal_that_is_too_narrow_is_survived() {
    assert_eq!(draw(checkout(), &plain(), 0).lines().count(), 10);
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let colored = draw(
        checkout(),
        &Palette::new(Ink::Colored, &["gateway", "auth", "orders"]),
        100,
    );
    let mut stripped = String::new();
    for (index, part) in colored.split('\u{1b}').enumerate() {
        let text = if index == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        };
        stripped.push_str(text);
    }
    assert_eq!(stripped, draw(checkout(), &plain(), 100));
}

#[test]
fn a_linked_span_is_called_by_its_name_or_else_by_its_ids() {
    let linked = |id: u64| Link {
        trace: TraceId::from_u128(1).unwrap(),
        span: SpanId::from_u64(id).unwrap(),
        label: String::new(),
        sent: None,
    };
    let mut receipt = span(9, None, "send receipt", 100..110);
    receipt.trace = TraceId::from_u128(2).unwrap();
    receipt.links = vec![linked(3), linked(77)];
    let mut spans = checkout();
    spans.push(receipt);
    let traces = Trace::assemble(spans);
    assert_eq!(traces.len(), 2);
    let labels: Vec<&str> = traces[1].nodes[0]
        .span
        .links
        .iter()
        .map(|link| &*link.label)
        .collect();
    assert_eq!(
        labels,
        [
            "orders POST /orders",
            "span 000000000000004d of trace 00000000000000000000000000000001"
        ]
    );
}

#[test]
fn a_span_whose_parent_is_elsewhere_is_a_root() {
    let spans = vec![
        span(1, Some(99), "a", 0..10),
        span(2, Some(1), "b", 1..2),
        span(3, Some(98), "c", 5..9),
    ];
    let traces = Trace::assemble(spans);
    assert_eq!(traces[0].roots, [0, 2]);
}

#[test]
fn a_message_is_drawn_from_where_it_was_sent() {
    let kind = |kind, span| Span { kind, ..span };
    let send = kind(SpanKind::Producer, span(1, None, "send orders", 0..10));
    let mut process = kind(
        SpanKind::Consumer,
        span(2, Some(1), "process orders", 40..100),
    );
    process.links = vec![Link {
        trace: send.trace,
        span: send.id,
        label: String::new(),
        sent: None,
    }];
    let mut batch = kind(SpanKind::Consumer, span(3, None, "process orders", 50..60));
    batch.trace = TraceId::from_u128(2).unwrap();
    batch.links = process.links.clone();
    let expected = [
        "  service  span                                  0 ms                100.0 ms",
        "  shop     → send orders                         ███                            10.0 ms ◀",
        "  shop     └╴⇢ process orders                    ┈┈┈┈┈┈┈┈┈┈┈─────────────────   60.0 ms",
        "               ↪ 40.0 ms in queue",
        "  ◀ slowest part: shop send orders, 10.0 ms of the 10.0 ms on the critical path (100 %)",
        "  service  span                                  0 ms                 10.0 ms",
        "  shop     ⇢ process orders                      ████████████████████████████   10.0 ms",
        "             ↪ follows from shop send orders, 50.0 ms in queue",
    ];
    let drawing = draw(vec![send, process, batch], &plain(), 100);
    assert_eq!(drawing.lines().collect::<Vec<_>>(), expected, "\n{drawing}");
}
