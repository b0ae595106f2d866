use super::*;

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl Error for Elapsed {}

#[derive(Debug)]
enum Shop {
    OutOfStock { item: u32 },
}

impl fmt::Display for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::OutOfStock { item } = self;
        write!(f, "item {item} is out of stock")
    }
}

impl Error for Shop {}

#[test]
fn network_errors_have_short_names_boxed_or_not() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(Failure::new(&refused()).error_type(), "connection_refused");
    let boxed: BoxError = Box::new(refused());
    assert_eq!(Failure::new(&boxed).error_type(), "connection_refused");
    // `io::Error::other(..).source()` skips what it wraps.
    let wrapped: BoxError = Box::new(io::Error::other(refused()));
    assert_eq!(Failure::new(&wrapped).error_type(), "connection_refused");
    let twice = io::Error::other(io::Error::other(refused()));
    assert_eq!(Failure::new(&twice).error_type(), "connection_refused");
}

#[test]
fn an_elapsed_timer_is_a_timeout() {
    let boxed: BoxError = Box::new(Elapsed(()));
    assert_eq!(Failure::new(&boxed).error_type(), "timeout");
    assert_eq!(Failure::new(&Elapsed(())).error_type(), "timeout");
}

#[test]
fn a_boxed_error_of_another_kind_is_called_by_its_variant() {
    let boxed: BoxError = Box::new(Shop::OutOfStock { item: 7 });
    assert_eq!(Failure::new(&boxed).error_type(), "OutOfStock");
}

#[test]
fn a_concrete_error_is_called_by_its_type() {
    let error = Shop::OutOfStock { item: 7 };
    assert_eq!(
        Failure::new(&error).error_type(),
        "tower_trace::exchange::failure::tests::Shop"
    );
    assert_eq!(Failure::new(&"just text").error_type(), "&str");
}

#[test]
fn a_message_is_never_a_name() {
    let boxed: BoxError = "user 4711 not found".into();
    assert_eq!(Failure::new(&boxed).error_type(), "_OTHER");
}

#[test]
fn errors_of_libraries_are_called_by_their_type_boxed_or_not() {
    let other = || io::Error::other("user 4711");
    assert_eq!(Failure::new(&other()).error_type(), "std::io::Error");
    let boxed: BoxError = Box::new(other());
    assert_eq!(Failure::new(&boxed).error_type(), "std::io::Error");
    let not_found: BoxError = Box::new(io::Error::from_raw_os_error(2));
    assert_eq!(Failure::new(&not_found).error_type(), "std::io::Error");
}

#[test]
fn a_message_is_cut_at_a_character() {
    let long: BoxError = format!("x{}", "ü".repeat(1000)).into();
    let message = Failure::new(&long).message().unwrap();
    assert_eq!(message, format!("x{}", "ü".repeat(127)));
    assert_eq!(Failure::new(&"no error type").message(), None);
}

/// An error that is its own cause, and an error that cannot be printed.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("on and on")?;
        }
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Self)
    }
}

#[test]
fn an_endless_error_is_cut() {
    let boxed: BoxError = Box::new(Endless);
    assert_eq!(Failure::new(&boxed).error_type(), "Endless");
    assert_eq!(Failure::new(&boxed).message().unwrap().len(), MAX_MESSAGE);
}

struct Broken;

impl fmt::Debug for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::resume_unwind(Box::new("cannot be shown"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::resume_unwind(Box::new("cannot be printed"))
    }
}

impl Error for Broken {}

#[test]
fn an_error_that_panics_when_printed_is_an_error_like_any_other() {
    let boxed: BoxError = Box::new(Broken);
    assert_eq!(Failure::new(&boxed).error_type(), "_OTHER");
    assert_eq!(Failure::new(&boxed).message(), None);
}

#[cfg(feature = "reqwest")]
#[test]
fn what_quotes_a_url_is_not_quoted_however_it_is_wrapped() {
    #[derive(Debug)]
    struct Wrapped(reqwest::Error);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no price: {}", self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let response = http::Response::builder().status(500).body("").unwrap();
    let error = reqwest::Response::from(response)
        .error_for_status()
        .unwrap_err()
        .with_url("http://a/?token=s3cret".parse().unwrap());
    assert!(error.to_string().contains("s3cret"), "{error}");
    let boxed: BoxError = Box::new(Wrapped(error));
    let message = Failure::new(&boxed).message();
    assert!(
        !message.clone().unwrap_or_default().contains("s3cret"),
        "{message:?}"
    );
}

#[test]
fn urls_in_a_message_have_no_secrets_wherever_it_is_cut() {
    let wraps = |before: usize| -> BoxError {
        let before = "x".repeat(before);
        format!("{before} for url (https://ann:s3cret@h/p?a=1&sig=s3cret) and wss://s3cret@h")
            .into()
    };
    let message = Failure::new(&wraps(1)).message().unwrap();
    assert!(
        message.contains("(https://REDACTED:REDACTED@h/p?a=1&sig=REDACTED"),
        "{message}"
    );
    assert!(message.ends_with(" and wss://REDACTED@h"), "{message}");
    for before in 200..=MAX_MESSAGE {
        let message = Failure::new(&wraps(before)).message().unwrap();
        assert!(!message.contains("s3"), "{message}");
        assert!(message.len() <= MAX_MESSAGE);
    }
}
