//! Status, failures and errors that were handled.

use std::error::Error;
use std::fmt;
use std::io;

use super::*;

#[test]
fn a_status_follows_the_order_of_the_specification() {
    let bench = Bench::new();
    let span = bench.span();
    span.set_status(Status::error("first"));
    span.set_status(Status::Unset);
    span.set_status(Status::error("second"));
    drop(span);
    assert_eq!(bench.only().status(), &Status::error("second"));

    let span = bench.span();
    span.set_status(Status::Ok);
    span.set_status(Status::error("late"));
    drop(span);
    assert_eq!(bench.only().status(), &Status::Ok);
}

#[test]
fn a_failure_has_an_error_status_and_a_type() {
    let bench = Bench::new();
    let span = bench.span();
    span.fail("timeout", "no answer in 3 s");
    drop(span);
    let record = bench.only();
    assert_eq!(record.status(), &Status::error("no answer in 3 s"));
    assert_eq!(text(record.attributes(), "error.type"), Some("timeout"));
    assert!(record.events().is_empty());
}

#[test]
fn a_recorded_failure_names_its_type_and_tells_its_message() {
    let bench = Bench::new();
    let span = bench.span();
    span.record_failure(&io::Error::other("disk full"));
    drop(span);
    let record = bench.only();
    assert_eq!(record.status(), &Status::error("disk full"));
    let io_error = std::any::type_name::<io::Error>();
    assert_eq!(text(record.attributes(), "error.type"), Some(io_error));
    let [event] = record.events() else {
        panic!("{:?}", record.events());
    };
    assert_eq!(event.name, "exception");
    assert_eq!(text(&event.attributes, "exception.type"), Some(io_error));
    assert_eq!(
        text(&event.attributes, "exception.message"),
        Some("disk full")
    );
    assert_eq!(event.attributes.get("ctx.handled"), None);
}

#[test]
fn a_handled_error_is_no_failure() {
    let bench = Bench::new();
    let span = bench.span();
    span.record_handled(&io::Error::other("disk full"));
    drop(span);
    let record = bench.only();
    assert_eq!(record.status(), &Status::Unset);
    assert_eq!(record.attributes().get("error.type"), None);
    let [event] = record.events() else {
        panic!("{:?}", record.events());
    };
    assert_eq!(event.name, "exception");
    assert_eq!(
        text(&event.attributes, "exception.message"),
        Some("disk full")
    );
    assert_eq!(
        event.attributes.get("ctx.handled"),
        Some(ValueRef::Bool(true))
    );
}

#[test]
fn an_error_behind_dyn_has_no_type_but_a_message() {
    let bench = Bench::new();
    let errors: [Box<dyn Error + Send + Sync>; 2] =
        [Box::new(io::Error::other("disk full")), "disk full".into()];
    for error in errors {
        let span = bench.span();
        span.record_failure(&*error);
        drop(span);
        let record = bench.only();
        assert_eq!(text(record.attributes(), "error.type"), Some("_OTHER"));
        assert_eq!(record.status(), &Status::error("disk full"));
        assert_eq!(record.events()[0].attributes.get("exception.type"), None);
    }
}

#[test]
fn a_boxed_error_has_the_type_of_what_is_in_the_box() {
    let bench = Bench::new();
    let span = bench.span();
    span.record_failure(&Box::new(fmt::Error));
    drop(span);
    assert_eq!(
        text(bench.only().attributes(), "error.type"),
        Some("core::fmt::Error")
    );
}

#[test]
fn causes_are_told_in_the_message() {
    #[derive(Debug)]
    struct Order(io::Error);

    impl fmt::Display for Order {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("order not stored")
        }
    }

    impl Error for Order {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let bench = Bench::new();
    let span = bench.span();
    span.record_failure(&Order(io::Error::other("disk full")));
    drop(span);
    assert_eq!(
        bench.only().status(),
        &Status::error("order not stored: disk full")
    );
}

#[test]
fn an_error_is_not_printed_when_nobody_records() {
    #[derive(Debug)]
    struct Costly;

    impl fmt::Display for Costly {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("printed for nobody");
        }
    }

    impl Error for Costly {}

    let span = Span::none();
    span.record_failure(&Costly);
    span.record_handled(&Costly);
}

#[test]
fn a_boxed_error_is_recorded_by_what_it_holds() {
    let bench = Bench::new();
    let span = bench.span();
    let error: Box<dyn Error + Send + Sync> = "disk full".into();
    span.record_handled(&*error);
    span.record_failure(&*error);
    drop(span);
    let record = bench.only();
    assert_eq!(record.status(), &Status::error("disk full"));
    assert_eq!(text(record.attributes(), "error.type"), Some("_OTHER"));
    assert_eq!(record.events().len(), 2);
}
