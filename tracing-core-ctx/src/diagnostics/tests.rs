use std::sync::{Mutex, MutexGuard};

use super::*;

/// What was reported while a test holds this; tests take turns, since the handler belongs to the whole process.
pub(crate) struct Seen {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
    _alone: MutexGuard<'static, ()>,
}

impl Seen {
    pub(crate) fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());

        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        set_handler(move |level, line| seen.lock().unwrap().push((level, line.to_owned())));
        Self {
            lines,
            _alone: alone,
        }
    }

    /// The lines that hold `mark`; other tests may report at the same time.
    pub(crate) fn with(&self, mark: &str) -> Vec<(Level, String)> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .filter(|(_, line)| line.contains(mark))
            .cloned()
            .collect()
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        reset_handler();
    }
}

#[test]
fn a_report_reaches_the_handler_with_its_level_and_is_counted() {
    let seen = Seen::new();
    let before = count(Level::Info);
    report(Level::Info, format_args!("{} spans {}", 3, "lost-a"));
    assert_eq!(
        seen.with("lost-a"),
        [(Level::Info, "3 spans lost-a".to_owned())]
    );
    assert!(count(Level::Info) > before);
}

#[test]
fn a_key_is_reported_once() {
    let seen = Seen::new();
    for n in 0..3 {
        report_once("once-b", Level::Warn, format_args!("once-b {n}"));
    }
    assert_eq!(seen.with("once-b"), [(Level::Warn, "once-b 0".to_owned())]);
}

#[test]
fn a_message_is_one_line_of_bounded_length() {
    let seen = Seen::new();
    report(Level::Warn, format_args!("one-c\r\ntwo\x1b[31m"));
    assert_eq!(seen.with("one-c")[0].1, "one-c  two [31m");

    let long = "→".repeat(Line::LONGEST);
    report(Level::Warn, format_args!("long-c {long} end"));
    let line = &seen.with("long-c")[0].1;
    assert!(line.len() <= Line::LONGEST && line.len() > Line::LONGEST - 4);
    assert!(line.ends_with('→'));
}

#[test]
fn a_handler_that_reports_is_not_called_again() {
    let seen = Seen::new();
    let lines = Arc::clone(&seen.lines);
    set_handler(move |level, line| {
        lines.lock().unwrap().push((level, line.to_owned()));
        report(Level::Debug, format_args!("inner-d"));
    });
    let before = count(Level::Debug);
    report(Level::Debug, format_args!("outer-d"));
    assert_eq!(seen.with("inner-d"), []);
    assert_eq!(seen.with("outer-d").len(), 1);
    assert!(count(Level::Debug) >= before + 2, "both are counted");
    report(Level::Debug, format_args!("outer-d"));
    assert_eq!(seen.with("outer-d").len(), 2, "and the turn was given back");
}

#[test]
fn a_handler_that_panics_harms_nobody() {
    let seen = Seen::new();
    set_handler(|_, line| assert!(!line.contains("panic-e"), "expected by the test"));
    report(Level::Warn, format_args!("panic-e"));
    let lines = Arc::clone(&seen.lines);
    set_handler(move |level, line| lines.lock().unwrap().push((level, line.to_owned())));
    report(Level::Warn, format_args!("after-e"));
    assert_eq!(seen.with("after-e").len(), 1);
}

#[test]
fn a_display_that_fails_or_panics_harms_nobody() {
    struct Broken(bool);

    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert!(!self.0, "expected by the test");
            Err(fmt::Error)
        }
    }

    let seen = Seen::new();
    report(
        Level::Warn,
        format_args!("broken-f {} unseen", Broken(false)),
    );
    report(Level::Warn, format_args!("panic-f {}", Broken(true)));
    assert_eq!(seen.with("broken-f")[0].1, "broken-f ");
    assert_eq!(seen.with("panic-f"), []);
}

#[test]
fn a_handler_may_set_another_one() {
    let seen = Seen::new();
    let lines = Arc::clone(&seen.lines);
    set_handler(move |_, _| {
        let lines = Arc::clone(&lines);
        set_handler(move |level, line| lines.lock().unwrap().push((level, line.to_owned())));
    });
    report(Level::Warn, format_args!("first-g"));
    report(Level::Warn, format_args!("second-g"));
    assert_eq!(seen.with("second-g").len(), 1);
}

#[test]
fn the_threshold_is_warn_unless_the_variable_says_otherwise() {
    assert_eq!(parse_threshold(""), Some(Some(Level::Warn)));
    assert_eq!(parse_threshold("none"), Some(None));
    assert_eq!(parse_threshold("ERROR"), Some(Some(Level::Error)));
    assert_eq!(parse_threshold(" Info "), Some(Some(Level::Info)));
    assert_eq!(parse_threshold("debug"), Some(Some(Level::Debug)));
    assert_eq!(parse_threshold("loud"), None);
    assert!(Level::Error < Level::Warn && Level::Warn < Level::Info && Level::Info < Level::Debug);
}

#[test]
fn a_printed_line_names_the_product_and_the_level() {
    assert_eq!(
        printed(Level::Warn, "spans are lost"),
        "tower-trace: warn: spans are lost\n"
    );
}
