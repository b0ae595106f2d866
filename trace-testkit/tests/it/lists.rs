//! The suites leave no fact out.

const TOPICS: &[(&str, &str)] = &[
    ("context", include_str!("../../src/http/context.rs")),
    ("end", include_str!("../../src/http/end.rs")),
    ("outcome", include_str!("../../src/http/outcome.rs")),
    (
        "transparency",
        include_str!("../../src/http/transparency.rs"),
    ),
    ("walk", include_str!("../../src/http/walk.rs")),
    (
        "server::attributes",
        include_str!("../../src/http/server/attributes.rs"),
    ),
    (
        "server::context",
        include_str!("../../src/http/server/context.rs"),
    ),
    (
        "server::headers",
        include_str!("../../src/http/server/headers.rs"),
    ),
    (
        "server::propagation",
        include_str!("../../src/http/server/propagation.rs"),
    ),
    (
        "client::attributes",
        include_str!("../../src/http/client/attributes.rs"),
    ),
    (
        "client::headers",
        include_str!("../../src/http/client/headers.rs"),
    ),
    (
        "client::propagation",
        include_str!("../../src/http/client/propagation.rs"),
    ),
];

/// Gives the names of a topic's facts, as the suites list them.
macro_rules! names {
    ($($topic:ident)::+, $side:ty; $($fact:ident)*) => {
        let topic = [$(stringify!($topic)),+].join("::");
        LISTED.with_borrow_mut(|listed| listed.extend([$((topic.clone(), stringify!($fact))),*]));
    };
}

const GRPC_TOPICS: &[(&str, &str)] = &[
    ("end", include_str!("../../src/grpc/end.rs")),
    ("metadata", include_str!("../../src/grpc/metadata.rs")),
    ("method", include_str!("../../src/grpc/method.rs")),
    ("status", include_str!("../../src/grpc/status.rs")),
];

const MESSAGING_TOPICS: &[(&str, &str)] = &[
    (
        "producing",
        include_str!("../../src/messaging/producing.rs"),
    ),
    (
        "consuming",
        include_str!("../../src/messaging/consuming.rs"),
    ),
    ("trust", include_str!("../../src/messaging/trust.rs")),
];

/// Takes the names of a topic that is listed elsewhere for nothing.
macro_rules! ignore {
    ($($any:tt)*) => {};
}

thread_local! {
    static LISTED: std::cell::RefCell<Vec<(String, &'static str)>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[test]
fn every_fact_is_in_its_suite() {
    trace_testkit::http_facts_of_servers! { [names] () }
    trace_testkit::http_facts_of_clients! { [names] () }
    assert_listed(TOPICS);
}

#[test]
fn every_fact_of_grpc_is_in_its_suite() {
    trace_testkit::grpc_facts_of_both_sides! { [ignore] [names] () }
    assert_listed(GRPC_TOPICS);
}

#[test]
fn every_fact_of_messaging_is_in_its_suite() {
    trace_testkit::messaging_facts! { [names] () }
    assert_listed(MESSAGING_TOPICS);
}

#[track_caller]
fn assert_listed(topics: &[(&str, &str)]) {
    let listed = LISTED.take();
    for (topic, source) in topics {
        let facts = source.lines().filter_map(|line| {
            let rest = line.strip_prefix("pub async fn ")?;
            rest.split_once('<').map(|(name, _)| name)
        });
        for fact in facts {
            let is_listed = listed.contains(&((*topic).to_owned(), fact));
            assert!(is_listed, "`{fact}` of {topic} is in no suite");
        }
    }
}
