//! The oracle is `opentelemetry-proto`: what a record should become is put together from its types, and must be
//! the same bytes.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use proptest::prelude::*;
use prost::Message as _;
use tracing_core_ctx::attribute::{Array, Attributes, KeyCode, KeyRef, Value, ValueRef};
use tracing_core_ctx::limits::SpanLimits;
use tracing_core_ctx::span::SpanTemplate;
use tracing_core_ctx::{
    Context, Relation, Resource, SpanContext, SpanId, SpanKind, Timestamp, TraceFlags, TraceId,
    TraceState, Tracer,
};

use super::*;
use crate::test_spans::{recorded, recorded_with};

static OTHER: InstrumentationScope = InstrumentationScope::new("other-library", "2.0");

fn any_value(value: ValueRef<'_>) -> common::AnyValue {
    let list = |values: Vec<Any>| {
        let values = values
            .into_iter()
            .map(|value| common::AnyValue { value: Some(value) });
        Any::ArrayValue(common::ArrayValue {
            values: values.collect(),
        })
    };
    let value = match value {
        ValueRef::Bool(flag) => Any::BoolValue(flag),
        ValueRef::Bytes(bytes) => Any::BytesValue(bytes.to_vec()),
        ValueRef::F64(number) => Any::DoubleValue(number),
        ValueRef::I64(number) => Any::IntValue(number),
        ValueRef::Str(text) => Any::StringValue(text.to_owned()),
        ValueRef::Array(Array::Bool(flags)) => {
            list(flags.iter().map(|flag| Any::BoolValue(*flag)).collect())
        }
        ValueRef::Array(Array::F64(numbers)) => list(
            numbers
                .iter()
                .map(|number| Any::DoubleValue(*number))
                .collect(),
        ),
        ValueRef::Array(Array::I64(numbers)) => list(
            numbers
                .iter()
                .map(|number| Any::IntValue(*number))
                .collect(),
        ),
        ValueRef::Array(Array::Str(texts)) => {
            list(texts.iter().cloned().map(Any::StringValue).collect())
        }
        other => panic!("no mapping for {other:?}"),
    };
    common::AnyValue { value: Some(value) }
}

fn key_values(attributes: &Attributes) -> Vec<common::KeyValue> {
    let key_value = |(key, value): (&str, ValueRef<'_>)| common::KeyValue {
        key: key.to_owned(),
        value: Some(any_value(value)),
        ..Default::default()
    };
    attributes.iter().map(key_value).collect()
}

fn expected_span(span: &SpanRecord) -> proto::Span {
    let cx = span.span_context();
    let remote = |is_remote: bool| if is_remote { 0x300 } else { 0x100 };
    let event = |event: &Event| proto::span::Event {
        time_unix_nano: event.time.as_unix_nanos(),
        name: event.name.to_string(),
        attributes: key_values(&event.attributes),
        dropped_attributes_count: event.attributes.dropped(),
    };
    let link = |link: &Link| proto::span::Link {
        trace_id: link.span_context.trace_id().to_bytes().to_vec(),
        span_id: link.span_context.span_id().to_bytes().to_vec(),
        trace_state: link.span_context.trace_state().to_string(),
        attributes: key_values(&link.attributes),
        dropped_attributes_count: link.attributes.dropped(),
        flags: u32::from(link.span_context.flags().bits()) | remote(link.span_context.is_remote()),
    };
    let status = match span.status() {
        Status::Unset => None,
        Status::Ok => Some((String::new(), proto::status::StatusCode::Ok)),
        Status::Error { description } => {
            Some((description.to_string(), proto::status::StatusCode::Error))
        }
        other => panic!("no mapping for {other:?}"),
    };
    proto::Span {
        trace_id: cx.trace_id().to_bytes().to_vec(),
        span_id: cx.span_id().to_bytes().to_vec(),
        trace_state: cx.trace_state().to_string(),
        parent_span_id: span
            .parent()
            .map_or_else(Vec::new, |parent| parent.to_bytes().to_vec()),
        flags: u32::from(cx.flags().bits()) | remote(span.parent_is_remote()),
        name: span.name().to_owned(),
        kind: match span.kind() {
            SpanKind::Internal => proto::span::SpanKind::Internal,
            SpanKind::Server => proto::span::SpanKind::Server,
            SpanKind::Client => proto::span::SpanKind::Client,
            SpanKind::Producer => proto::span::SpanKind::Producer,
            SpanKind::Consumer => proto::span::SpanKind::Consumer,
        }
        .into(),
        start_time_unix_nano: span.start().as_unix_nanos(),
        end_time_unix_nano: span.end().as_unix_nanos(),
        attributes: key_values(span.attributes()),
        dropped_attributes_count: span.attributes().dropped(),
        events: span.events().iter().map(event).collect(),
        dropped_events_count: span.dropped_events(),
        links: span.links().iter().map(link).collect(),
        dropped_links_count: span.dropped_links(),
        status: status.map(|(message, code)| proto::Status {
            message,
            code: code.into(),
        }),
    }
}

fn expected(
    of: &Resource,
    scopes: &[&InstrumentationScope],
    spans: &[SpanRecord],
) -> ExportTraceServiceRequest {
    let scope_spans = |scope: &&InstrumentationScope| proto::ScopeSpans {
        scope: Some(common::InstrumentationScope {
            name: scope.name.to_owned(),
            version: scope.version.to_owned(),
            ..Default::default()
        }),
        spans: spans
            .iter()
            .filter(|span| span.scope() == *scope)
            .map(expected_span)
            .collect(),
        schema_url: scope.schema_url.to_owned(),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![proto::ResourceSpans {
            resource: Some(resource::Resource {
                attributes: key_values(of.attributes()),
                ..Default::default()
            }),
            scope_spans: scopes.iter().map(scope_spans).collect(),
            schema_url: semconv::SCHEMA_URL.to_owned(),
        }],
    }
}

fn encoded(resource: &Resource, spans: &[SpanRecord]) -> Vec<u8> {
    encode(resource, spans.iter())
}

fn caller() -> SpanContext {
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
    SpanContext::new(
        trace_id,
        "00f067aa0ba902b7".parse().unwrap(),
        TraceFlags::from_bits(3),
    )
}

/// What one attribute on a span becomes is what the oracle says, to the byte.
fn arrives(key: KeyRef<'_>, value: &Value) {
    let spans = recorded(|tracer| tracer.span("a").start().set(key, value));
    let resource = Resource::new("orders");
    let bytes = encoded(&resource, &spans);
    let expected = expected(&resource, &[spans[0].scope()], &spans);
    assert!(bytes == expected.encode_to_vec(), "{key:?}: {value:?}");
}

#[test]
fn every_name_of_the_conventions_is_written_as_any_other() {
    for code in KeyCode::all() {
        arrives(KeyRef::Known(code), &Value::from("text"));
        arrives(KeyRef::Known(code), &Value::from(200));
    }
}

#[test]
fn texts_and_names_of_any_length_have_their_lengths_in_front() {
    let route = KeyCode::all()
        .find(|code| code.name() == "http.route")
        .unwrap();
    for length in (0..300).chain([16_000, 20_000]) {
        let text = "x".repeat(length);
        arrives(KeyRef::Known(route), &Value::from(&text));
        arrives(KeyRef::Borrowed("shop.cart"), &Value::from(&text));
        arrives(KeyRef::Borrowed(&format!("k{text}")), &Value::from(true));
    }
}

#[test]
fn numbers_of_any_size_are_written() {
    for shift in 0..64 {
        let power = 1_i64 << shift;
        for number in [power, power.wrapping_sub(1), -1 << shift, i64::MAX, 0] {
            arrives(KeyRef::Borrowed("number"), &Value::from(number));
        }
    }
    for number in [0.0, -0.0, 0.1, f64::MAX, f64::INFINITY] {
        arrives(KeyRef::Borrowed("number"), &Value::from(number));
    }
}

#[test]
fn a_span_with_everything_arrives_field_by_field() {
    let mut limits = SpanLimits::default();
    limits.attributes.count = 10;
    limits.event_attributes.count = 1;
    limits.link_attributes.count = 1;
    limits.events = 2;
    limits.links = 2;
    let spans = recorded_with(
        |builder| builder.limits(limits),
        |tracer| {
            let state: TraceState = "rojo=1,congo=2".parse().unwrap();
            let remote = Context::new()
                .with_remote_span(caller().with_trace_state(state.clone()).with_remote(true));
            let mut link = Link::new(caller().with_trace_state(state).with_remote(true));
            link.attributes.set("reason", "batch");
            let span = tracer
                .span("GET /orders/{id}")
                .kind(SpanKind::Server)
                .parent(&remote)
                .start_time(Timestamp::from_unix_nanos(1_000))
                .link(link)
                .relation(Relation::FollowsFrom(caller()))
                .relation(Relation::FollowsFrom(caller()))
                .start();
            span.set("text", "ü");
            span.set("empty", "");
            span.set("true", true);
            span.set("false", false);
            span.set("negative", -1);
            span.set("zero", 0);
            span.set("float", 0.0);
            span.set("bytes", Value::Bytes(vec![0, 255]));
            span.set("texts", Value::Array(["a", ""].into_iter().collect()));
            span.set("numbers", Value::Array(Array::I64(vec![i64::MIN, 0])));
            span.set("one too many", 1);
            for number in 0..3 {
                span.event_at(Timestamp::from_unix_nanos(2_000), "cart.checked", |event| {
                    event.set("number", number);
                    event.set("one too many", 1);
                });
            }
            span.set_status(Status::error("stock is empty"));
            span.end_at(Timestamp::from_unix_nanos(5_000));
        },
    );
    let resource = Resource::new("orders").with("deployment.environment.name", "test");
    let bytes = encoded(&resource, &spans);
    let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
    assert_eq!(request, expected(&resource, &[spans[0].scope()], &spans));

    // The oracle might read the record wrongly in the same way, so the plain facts once more.
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.flags, 0x303);
    assert_eq!(span.links[0].flags, 0x303);
    assert_eq!(span.links[1].flags, 0x103);
    assert_eq!(span.trace_state, "rojo=1,congo=2");
    assert_eq!(
        span.parent_span_id,
        [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]
    );
    assert_eq!(span.kind, 2);
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (1_000, 5_000)
    );
    assert_eq!(
        (span.attributes.len(), span.dropped_attributes_count),
        (10, 1)
    );
    assert_eq!((span.events.len(), span.dropped_events_count), (2, 1));
    assert_eq!(span.events[0].dropped_attributes_count, 1);
    assert_eq!((span.links.len(), span.dropped_links_count), (2, 1));
    assert_eq!(span.status.as_ref().unwrap().message, "stock is empty");
    assert_eq!(span.status.as_ref().unwrap().code, 2);
}

#[test]
fn the_root_of_a_trace_has_no_parent_and_says_that_it_is_not_remote() {
    let spans = recorded(|tracer| tracer.span("root").start().end());
    let request =
        ExportTraceServiceRequest::decode(&encoded(&Resource::new("orders"), &spans)[..]).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert!(span.parent_span_id.is_empty());
    // Sampled, random, and its parent is known not to be remote.
    assert_eq!(span.flags, 0x103);
    assert_eq!(span.status, None);
}

#[test]
fn spans_are_grouped_by_the_library_that_recorded_them() {
    let spans = recorded(|tracer| {
        let other = tracer.with_scope(&OTHER);
        for (number, tracer) in [tracer, &other, tracer, &other].into_iter().enumerate() {
            tracer.span(&format!("span {number}")).start().end();
        }
    });
    let resource = Resource::new("orders");
    let bytes = encoded(&resource, &spans);
    let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
    let first = spans[0].scope();
    assert_eq!(request, expected(&resource, &[first, &OTHER], &spans));
    let groups = &request.resource_spans[0].scope_spans;
    let names: Vec<Vec<&str>> = groups
        .iter()
        .map(|group| group.spans.iter().map(|span| span.name.as_str()).collect())
        .collect();
    assert_eq!(names, [["span 0", "span 2"], ["span 1", "span 3"]]);
    assert_eq!(groups[1].scope.as_ref().unwrap().version, "2.0");
}

#[test]
fn many_spans_of_many_sizes_are_one_request() {
    let spans = recorded(|tracer| {
        for number in 0..400_usize {
            let span = tracer.span("size").start();
            span.set("text", "x".repeat(number * number % 3_001));
            span.set("number", number);
        }
    });
    let resource = Resource::new("orders");
    let expected = expected(&resource, &[spans[0].scope()], &spans);
    assert!(encoded(&resource, &spans) == expected.encode_to_vec());
}

#[test]
fn no_span_at_all_is_still_a_request() {
    let bytes = encoded(&Resource::new("orders"), &[]);
    let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
    assert!(request.resource_spans[0].scope_spans.is_empty());
}

/// What a random span is made of.
#[derive(Clone, Debug)]
struct Made {
    name: String,
    kind: SpanKind,
    parent: Option<SpanContext>,
    times: (u64, u64),
    attributes: Vec<(Name, Value)>,
    events: Vec<(String, u64, Vec<(Name, Value)>)>,
    links: Vec<(SpanContext, Vec<(Name, Value)>)>,
    status: Status,
    other_scope: bool,
}

/// The name of an attribute, of each of the kinds that are kept in a way of their own.
#[derive(Clone, Debug)]
enum Name {
    Known(KeyCode),
    Constant(&'static str),
    Text(String),
}

impl Name {
    fn key(&self) -> KeyRef<'_> {
        match self {
            Self::Known(code) => KeyRef::Known(*code),
            Self::Constant(name) => KeyRef::Static(name),
            Self::Text(name) => KeyRef::Borrowed(name),
        }
    }
}

impl Made {
    fn record(self, tracer: &Tracer) {
        let tracer = if self.other_scope {
            tracer.with_scope(&OTHER)
        } else {
            tracer.clone()
        };
        let parent = self.parent.map_or_else(Context::new, |parent| {
            let relation = Context::new().with_remote_span(parent.clone());
            assert_eq!(relation.span_context(), Some(&parent));
            relation
        });
        let mut builder = tracer
            .span(&self.name)
            .kind(self.kind)
            .parent(&parent)
            .start_time(Timestamp::from_unix_nanos(self.times.0));
        for (span_context, attributes) in self.links {
            let mut link = Link::new(span_context);
            for (key, value) in &attributes {
                link.attributes.set(key.key(), value);
            }
            builder = builder.link(link);
        }
        let span = builder.start();
        for (key, value) in &self.attributes {
            span.set(key.key(), value);
        }
        for (name, time, attributes) in self.events {
            span.event_at(Timestamp::from_unix_nanos(time), name, |event| {
                for (key, value) in &attributes {
                    event.set(key.key(), value);
                }
            });
        }
        span.set_status(self.status);
        span.end_at(Timestamp::from_unix_nanos(self.times.1));
    }
}

fn random_value() -> impl Strategy<Value = Value> {
    let array = prop_oneof![
        prop::collection::vec(any::<bool>(), 0..4).prop_map(Array::Bool),
        prop::collection::vec(any::<f64>(), 0..4).prop_map(Array::F64),
        prop::collection::vec(any::<i64>(), 0..4).prop_map(Array::I64),
        prop::collection::vec(".{0,8}", 0..4).prop_map(Array::Str),
    ];
    prop_oneof![
        1 => array.prop_map(Value::Array),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
        1 => any::<f64>().prop_map(Value::F64),
        1 => any::<i64>().prop_map(Value::I64),
        1 => (-300_i64..70_000).prop_map(Value::I64),
        6 => ".{0,100}".prop_map(|text: String| Value::Str(text.into())),
        1 => ".{0,300}".prop_map(|text: String| Value::Str(text.into())),
        1 => (16_300_usize..16_500).prop_map(|length| Value::Str("x".repeat(length).into())),
    ]
}

fn random_name() -> impl Strategy<Value = Name> {
    const CONSTANTS: [&str; 4] = [
        "",
        "shop.cart.size",
        "a-constant-as-long-as-the-longest-known-name",
        "a-constant-that-is-longer-than-all-the-names-of-the-conventions",
    ];

    prop_oneof![
        prop::sample::select(KeyCode::all().collect::<Vec<_>>()).prop_map(Name::Known),
        prop::sample::select(CONSTANTS.as_slice()).prop_map(Name::Constant),
        "[a-z.]{0,10}".prop_map(Name::Text),
        "[a-z.]{30,80}".prop_map(Name::Text),
    ]
}

fn random_attributes() -> impl Strategy<Value = Vec<(Name, Value)>> {
    prop_oneof![
        9 => prop::collection::vec((random_name(), random_value()), 0..6),
        1 => prop::collection::vec((random_name(), random_value()), 0..40),
    ]
}

fn random_context() -> impl Strategy<Value = SpanContext> {
    let state = prop::option::of("[a-z]{1,5}=[a-z]{1,90}");
    (1..u128::MAX, 1..u64::MAX, 0u8..4, state, any::<bool>()).prop_map(
        |(trace, span, flags, state, remote)| {
            SpanContext::new(
                TraceId::from_u128(trace).unwrap(),
                SpanId::from_u64(span).unwrap(),
                // Sampled, so that a child is recorded.
                TraceFlags::from_bits(flags | 1),
            )
            .with_trace_state(state.map_or(TraceState::EMPTY, |state| state.parse().unwrap()))
            .with_remote(remote)
        },
    )
}

fn made() -> impl Strategy<Value = Made> {
    let kind = prop::sample::select(vec![
        SpanKind::Client,
        SpanKind::Consumer,
        SpanKind::Internal,
        SpanKind::Producer,
        SpanKind::Server,
    ]);
    let status = prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        ".{0,20}".prop_map(|text: String| Status::error(text)),
    ];
    let events = prop::collection::vec((".{0,10}", any::<u64>(), random_attributes()), 0..8);
    let links = prop::collection::vec((random_context(), random_attributes()), 0..8);
    let time = || prop_oneof![1 => Just(0), 3 => any::<u64>()];
    let head = (
        ".{0,200}",
        kind,
        prop::option::of(random_context()),
        (time(), time()),
    );
    (
        head,
        random_attributes(),
        events,
        links,
        status,
        any::<bool>(),
    )
        .prop_map(
            |((name, kind, parent, times), attributes, events, links, status, other_scope)| Made {
                name,
                kind,
                parent,
                times,
                attributes,
                events,
                links,
                status,
                other_scope,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn random_spans_are_the_bytes_that_the_oracle_makes_of_them(all in prop::collection::vec(made(), 1..4)) {
        let spans = recorded(|tracer| all.into_iter().for_each(|made| made.record(tracer)));
        let resource = Resource::new("orders");
        let mut scopes: Vec<&InstrumentationScope> = Vec::new();
        for span in &spans {
            if !scopes.contains(&span.scope()) {
                scopes.push(span.scope());
            }
        }
        prop_assert_eq!(encoded(&resource, &spans), expected(&resource, &scopes, &spans).encode_to_vec());
    }

    #[test]
    fn spans_of_templates_are_the_bytes_that_the_oracle_makes_of_them(
        templates in prop::collection::vec((".{0,80}", short_attributes()), 1..4),
        all in prop::collection::vec((0usize..4, short_attributes()), 1..40),
    ) {
        let templates: Vec<SpanTemplate> = templates
            .into_iter()
            .map(|(name, attributes)| {
                let mut template = SpanTemplate::new(&name);
                for (key, value) in &attributes {
                    template.set(key.key(), value);
                }
                template
            })
            .collect();
        let spans = recorded(|tracer| {
            for (template, own) in all {
                let span = tracer.span("").start_with(|span| {
                    if let Some(template) = templates.get(template) {
                        span.use_template(template);
                    }
                });
                for (key, value) in &own {
                    span.set(key.key(), value);
                }
            }
        });
        let resource = Resource::new("orders");
        prop_assert_eq!(encoded(&resource, &spans), expected(&resource, &[spans[0].scope()], &spans).encode_to_vec());
    }
}

/// As most are: a template with others is taken over one by one.
fn short_attributes() -> impl Strategy<Value = Vec<(Name, Value)>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,100}".prop_map(Value::from),
    ];
    prop::collection::vec((random_name(), value), 0..6)
}

#[test]
fn more_templates_than_are_remembered_are_written_as_they_are() {
    let templates: Vec<SpanTemplate> = (0..300)
        .map(|number| {
            let mut template = SpanTemplate::new("a route");
            template.set("number", number);
            template.set("text", "x".repeat(500));
            template
        })
        .collect();
    let spans = recorded(|tracer| {
        // Some of them come again at once, others when they have been forgotten.
        for number in (0..300)
            .chain(0..300)
            .flat_map(|number| [number, number / 2, number])
        {
            let span = tracer.span("").template(&templates[number]).start();
            span.set("own", true);
        }
    });
    let resource = Resource::new("orders");
    let expected = expected(&resource, &[spans[0].scope()], &spans);
    assert!(encoded(&resource, &spans) == expected.encode_to_vec());
}
