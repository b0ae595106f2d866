use std::any::{Any, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

use tracing_core_ctx::semconv::error_type;

/// An error of any type, seen from the side that has to name it.
///
/// Services and bodies may fail with anything, boxed or not. A failure keeps a borrowed view and gives it a name of low
/// cardinality, fit for `error.type`; it never takes the text of a message for that.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    error: &'a dyn Any,
    type_name: &'static str,
}

/// How many causes of an error are looked at.
const DEPTH: usize = 16;

impl<'a> Failure<'a> {
    /// Looks at `error`.
    pub fn new<E: 'static>(error: &'a E) -> Self {
        Self {
            error,
            type_name: type_name::<E>(),
        }
    }

    /// The error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: 'static>(&self) -> Option<&'a E> {
        self.error.downcast_ref()
    }

    /// The error as a chain of causes, if its type is known to this crate: boxed errors and those of hyper and the standard library.
    #[must_use]
    pub fn as_error(&self) -> Option<&'a (dyn Error + 'static)> {
        macro_rules! known {
            ($($(#[$cfg:meta])* $type:ty),* $(,)?) => {
                $($(#[$cfg])* if let Some(error) = self.error.downcast_ref::<$type>() {
                    return Some(error);
                })*
            };
        }
        if let Some(error) = self.error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            return Some(&**error);
        }
        if let Some(error) = self.error.downcast_ref::<Box<dyn Error + Send>>() {
            return Some(&**error);
        }
        if let Some(error) = self.error.downcast_ref::<Box<dyn Error>>() {
            return Some(&**error);
        }
        known!(
            hyper::Error,
            io::Error,
            #[cfg(feature = "axum")]
            axum::Error,
            #[cfg(feature = "hyper-util")]
            hyper_util::client::legacy::Error,
            #[cfg(feature = "reqwest")]
            reqwest::Error,
        );
        None
    }

    /// A name for `error.type`: `timeout`, `connection_refused`, `cancelled`, `incomplete_message`, .. for the errors that
    /// networks make, else the name of the error's type.
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        let Some(error) = self.as_error() else {
            return short(self.type_name);
        };
        let mut cause = Some(error);
        let mut name = None;
        for _ in 0..DEPTH {
            let Some(error) = cause else {
                break;
            };
            // The innermost cause that has a name says most.
            name = well_known(error).or(name);
            cause = error.source();
        }
        match name {
            Some(name) => Cow::Borrowed(name),
            None if self.type_name.contains("dyn ") => debug_name(error),
            None => short(self.type_name),
        }
    }
}

impl Failure<'_> {
    /// What the error says, for the description of a status: at most 256 bytes. `None` when the error's type is not known
    /// to say anything. An error that prints a URL, as reqwest's do, is left out for what it was caused by.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let error = self.as_error()?;
        #[cfg(feature = "reqwest")]
        let error = if error.is::<reqwest::Error>() {
            error.source()?
        } else {
            error
        };
        let mut text = error.to_string();
        let mut end = text.len().min(MAX_MESSAGE);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Some(text)
    }
}

const MAX_MESSAGE: usize = 256;

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({})", self.type_name)
    }
}

fn well_known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error.kind());
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return of_reqwest(error);
    }
    // Timeouts of tower and tokio: unit-like types that say nothing else.
    (debug_name(error) == "Elapsed").then_some("timeout")
}

fn of_io(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::AddrNotAvailable => "address_not_available",
        io::ErrorKind::BrokenPipe => "broken_pipe",
        io::ErrorKind::ConnectionAborted => "connection_aborted",
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset => "connection_reset",
        io::ErrorKind::HostUnreachable => "host_unreachable",
        io::ErrorKind::NetworkUnreachable => "network_unreachable",
        io::ErrorKind::NotConnected => "not_connected",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        _ => return None,
    })
}

fn of_hyper(error: &hyper::Error) -> Option<&'static str> {
    Some(if error.is_timeout() {
        "timeout"
    } else if error.is_incomplete_message() {
        "incomplete_message"
    } else if error.is_canceled() {
        "cancelled"
    } else if error.is_closed() {
        "connection_closed"
    } else if error.is_parse() {
        "malformed_message"
    } else if error.is_body_write_aborted() {
        "body_write_aborted"
    } else {
        return None;
    })
}

#[cfg(feature = "reqwest")]
fn of_reqwest(error: &reqwest::Error) -> Option<&'static str> {
    Some(if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_decode() {
        "decode"
    } else {
        return None;
    })
}

/// The last part of a type's path, without generic arguments: `my_crate::Error` stays whole, because `Error` alone says nothing.
fn short(type_name: &'static str) -> Cow<'static, str> {
    let end = type_name.find('<').unwrap_or(type_name.len());
    let path = &type_name[..end];
    Cow::Borrowed(if path.is_empty() {
        error_type::OTHER
    } else {
        path
    })
}

/// The name with which an error's `Debug` form begins, if it begins with one as derived forms do. A form that is
/// free text gives `_OTHER`: it may be of any number.
fn debug_name(error: &(dyn Error + 'static)) -> Cow<'static, str> {
    let mut name = Prefix::default();
    let _ = fmt::write(&mut name, format_args!("{error:?}"));
    let text = name.as_str();
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let rest = &text[end..];
    let is_name = end <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && (rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {"));
    if is_name {
        Cow::Owned(text[..end].to_owned())
    } else {
        Cow::Borrowed(error_type::OTHER)
    }
}

const MAX_NAME: usize = 64;

/// Keeps the beginning of what is written and stops the writer.
#[derive(Default)]
struct Prefix {
    text: String,
}

impl Prefix {
    fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Write for Prefix {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            if self.text.len() > MAX_NAME + 2 {
                return Err(fmt::Error);
            }
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type BoxError = Box<dyn Error + Send + Sync>;

    #[derive(Debug)]
    struct Elapsed(#[expect(dead_code, reason = "only its form matters")] ());

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
        let wrapped: BoxError = Box::new(io::Error::other(refused()));
        assert_eq!(Failure::new(&wrapped).error_type(), "connection_refused");
    }

    #[test]
    fn an_elapsed_timer_is_a_timeout() {
        let boxed: BoxError = Box::new(Elapsed(()));
        assert_eq!(Failure::new(&boxed).error_type(), "timeout");
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
}
