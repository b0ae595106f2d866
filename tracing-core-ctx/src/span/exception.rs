//! What is recorded of an error.

use std::error::Error;
use std::fmt::{self, Write as _};

/// The name of the type of an error, without references and boxes around it; `None` when it is only known as `dyn Error`.
pub(super) fn type_of<E: ?Sized>() -> Option<&'static str> {
    let mut name = std::any::type_name::<E>();
    loop {
        let inner = ["alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"]
            .iter()
            .find_map(|wrapper| name.strip_prefix(wrapper)?.strip_suffix('>'))
            .or_else(|| name.strip_prefix('&'));
        match inner {
            Some(inner) => name = inner,
            None => break,
        }
    }
    (!name.starts_with("dyn ")).then_some(name)
}

/// The message of an error and of what caused it, at most eight causes deep and 16 KiB long.
pub(super) fn message<E: Error + ?Sized>(error: &E) -> String {
    let mut text = Bounded::default();
    text.print(error);
    let mut cause = error.source();
    for _ in 0..CAUSES {
        let Some(error) = cause else {
            break;
        };
        let mut more = Bounded::default();
        more.print(error);
        // Many errors already print their cause.
        if !text.0.contains(&more.0) {
            text.print(&format_args!(": {}", more.0));
        }
        cause = error.source();
    }
    text.0
}

const CAUSES: usize = 8;
const LONGEST: usize = 16 * 1024;

/// A text that takes no more than [`LONGEST`] bytes.
#[derive(Default)]
struct Bounded(String);

impl Bounded {
    /// Not `to_string`, which panics when a `Display` says that it failed. What was written until then counts.
    fn print(&mut self, what: &(impl fmt::Display + ?Sized)) {
        let _ = write!(self, "{what}");
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        let end = (0..=room)
            .rev()
            .find(|&end| more.is_char_boundary(end))
            .unwrap_or_default();
        self.0.push_str(&more[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_type_is_named_without_what_holds_it() {
        let bare = type_of::<fmt::Error>();
        assert_eq!(bare, Some("core::fmt::Error"));
        assert_eq!(type_of::<Box<fmt::Error>>(), bare);
        assert_eq!(type_of::<&Arc<fmt::Error>>(), bare);
        assert_eq!(
            type_of::<Vec<Box<dyn Error>>>(),
            Some(std::any::type_name::<Vec<Box<dyn Error>>>())
        );
    }

    #[test]
    fn a_type_behind_dyn_has_no_name() {
        assert_eq!(type_of::<dyn Error>(), None);
        assert_eq!(type_of::<Box<dyn Error + Send + Sync>>(), None);
        assert_eq!(type_of::<Arc<dyn Error>>(), None);
    }

    #[derive(Debug)]
    struct Chain(&'static str, Option<Box<Self>>);

    impl fmt::Display for Chain {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &dyn Error)
        }
    }

    #[test]
    fn causes_follow_unless_they_were_printed_already() {
        let chain = |top| {
            Chain(
                top,
                Some(Box::new(Chain(
                    "refused",
                    Some(Box::new(Chain("port 80", None))),
                ))),
            )
        };
        assert_eq!(
            message(&chain("no connection")),
            "no connection: refused: port 80"
        );
        assert_eq!(message(&chain("it was refused")), "it was refused: port 80");
    }

    #[test]
    fn at_most_eight_causes_are_told() {
        const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let deep = NAMES
            .iter()
            .rev()
            .fold(None, |cause, name| Some(Box::new(Chain(name, cause))))
            .unwrap();
        assert_eq!(message(&deep), "a: b: c: d: e: f: g: h: i");
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        #[derive(Debug)]
        struct Long;
        impl fmt::Display for Long {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Three bytes each: 16 KiB is no multiple.
                (0..10_000).try_for_each(|_| f.write_str("→"))
            }
        }
        impl Error for Long {}
        let text = message(&Long);
        assert_eq!(text.len(), LONGEST / 3 * 3);
        assert!(text.chars().all(|c| c == '→'));
    }

    #[test]
    fn a_display_that_fails_does_not_panic() {
        #[derive(Debug)]
        struct Broken;
        impl fmt::Display for Broken {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                Err(fmt::Error)
            }
        }
        impl Error for Broken {}
        assert_eq!(message(&Broken), "half");
    }
}
