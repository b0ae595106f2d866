use std::fmt;

/// A text in which `*` stands for any run of characters, also none: `/admin/*`, `GET *`, `*.internal`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pattern(Box<str>);

impl Pattern {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_boxed_str())
    }

    /// Whether the whole of `text` is of this form. Takes no longer than the product of both lengths, and allocates nothing.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut at, mut here) = (0, 0);
        // Where the last star stands, and how far the text was when it was met: the star takes one more when the rest does not fit.
        let mut star = None;
        while here < text.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, here));
                    at += 1;
                }
                Some(byte) if *byte == text[here] => {
                    at += 1;
                    here += 1;
                }
                _ => {
                    let Some((star_at, star_here)) = star else {
                        return false;
                    };
                    at = star_at + 1;
                    here = star_here + 1;
                    star = Some((star_at, here));
                }
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("/checkout", "/checkout", true),
            ("/checkout", "/checkout/1", false),
            ("/admin/*", "/admin/users/7", true),
            ("/admin/*", "/admin", false),
            ("*.internal", "db.internal", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("é*", "é!", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    /// The meaning of it, without regard to cost.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some((byte, rest)) => text.first() == Some(byte) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_means_what_the_naive_reading_means(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(Pattern::new(&*pattern).matches(&text), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
