use std::any::{Any, type_name};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;

use tracing_core_ctx::semconv::error_type;

use crate::hook;
use crate::limit::MAX_TEXT;
use crate::redact::SensitiveKeys;

/// An error of any type, seen from the side that has to name it.
///
/// Services and bodies may fail with anything, boxed or not. A failure keeps a borrowed view and gives it a name of low
/// cardinality, fit for `error.type`; it never takes the text of a message for that.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    error: &'a dyn Any,
    type_name: &'static str,
}

/// How many causes of an error are looked at: an error may be its own cause.
const DEPTH: usize = 16;

/// How much of a message is kept, in bytes.
const MAX_MESSAGE: usize = 256;

/// The longest name that is taken from what an error prints, in bytes.
const MAX_NAME: usize = 64;

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
    /// networks make, else the name of the error's type. An error whose own code panics over this is `_OTHER`.
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        hook::run(|| self.name()).unwrap_or(Cow::Borrowed(error_type::OTHER))
    }

    fn name(&self) -> Cow<'static, str> {
        let Some(error) = self.as_error() else {
            return match self.type_name.ends_with("::Elapsed") {
                true => Cow::Borrowed(error_type::TIMEOUT),
                false => short(self.type_name),
            };
        };
        // The innermost cause that has a name says most.
        match causes(error).filter_map(well_known).last() {
            Some(name) => Cow::Borrowed(name),
            None => type_of(error).map_or_else(|| debug_name(error), Cow::Borrowed),
        }
    }

    /// What the error says, for the description of a status: at most 256 bytes. `None` when the error's type is not known
    /// to say anything, or when its own code panics over this. Errors that print a URL, as reqwest's do, are left out for
    /// what they were caused by, and secrets of URLs that are left are [redacted](crate::redact).
    #[must_use]
    pub fn message(&self) -> Option<String> {
        hook::run(|| {
            let error = self.as_error()?;
            #[cfg(feature = "reqwest")]
            let error = match causes(error)
                .filter(|cause| cause.is::<reqwest::Error>())
                .last()
            {
                // What is around it may well quote it.
                Some(quotes_url) => quotes_url.source()?,
                None => error,
            };
            let text = Prefix::of(MAX_TEXT, format_args!("{error}"));
            // Who wraps an error that prints a URL need not name it as a cause.
            let text = match text.contains("://") {
                true => SensitiveKeys::default().redact_text(&text).into_owned(),
                false => text,
            };
            Some(Prefix::of(MAX_MESSAGE, format_args!("{text}")))
        })
        .flatten()
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({})", self.type_name)
    }
}

/// The error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error| cause(*error)).take(DEPTH)
}

/// What caused the error. An I/O error skips what it wraps and names the cause of that.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().map(io::Error::get_ref) {
        Some(Some(wrapped)) => Some(wrapped),
        _ => error.source(),
    }
}

fn well_known(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error.kind());
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    #[cfg(feature = "hyper-util")]
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        return error.is_connect().then_some("connect");
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return of_reqwest(error);
    }
    // Timeouts of tower and tokio: unit-like types that say nothing else.
    (debug_name(error) == "Elapsed").then_some(error_type::TIMEOUT)
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
        io::ErrorKind::TimedOut => error_type::TIMEOUT,
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        _ => return None,
    })
}

fn of_hyper(error: &hyper::Error) -> Option<&'static str> {
    Some(if error.is_timeout() {
        error_type::TIMEOUT
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
        error_type::TIMEOUT
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

/// The name of a type that is known; that of its variant would say less.
fn type_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if error.is::<io::Error>() {
        return Some("std::io::Error");
    }
    if error.is::<hyper::Error>() {
        return Some("hyper::Error");
    }
    #[cfg(feature = "hyper-util")]
    if error.is::<hyper_util::client::legacy::Error>() {
        return Some("hyper_util::client::legacy::Error");
    }
    #[cfg(feature = "reqwest")]
    if error.is::<reqwest::Error>() {
        return Some("reqwest::Error");
    }
    #[cfg(feature = "axum")]
    if error.is::<axum::Error>() {
        return Some("axum::Error");
    }
    None
}

/// A type's path without generic arguments: `my_crate::Error` stays whole, because `Error` alone says nothing.
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
    // Two more, to see what comes behind the longest name.
    let text = Prefix::of(MAX_NAME + 2, format_args!("{error:?}"));
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

/// Keeps the beginning of what is written, and stops the writer then.
struct Prefix {
    text: String,
    limit: usize,
}

impl Prefix {
    fn of(limit: usize, text: fmt::Arguments<'_>) -> String {
        let mut prefix = Self {
            text: String::new(),
            limit,
        };
        // The only error is that of a full prefix.
        let _ = fmt::write(&mut prefix, text);
        prefix.text
    }
}

impl fmt::Write for Prefix {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for c in more.chars() {
            if self.text.len() + c.len_utf8() > self.limit {
                return Err(fmt::Error);
            }
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
