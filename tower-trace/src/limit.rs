//! How much is recorded of a text that somebody else wrote.

/// The longest path, query, user agent, header line or unknown method that is recorded, in bytes.
///
/// Servers limit heads before we see them, but not to what a span should hold: hyper takes 64 KiB of target and, with HTTP/1, 400 KiB
/// of headers. More than a few KiB of these texts say nothing; a queue full of them is a way to hurt.
pub(crate) const MAX_TEXT: usize = 8 * 1024;

/// The beginning of a text, cut at a character.
#[must_use]
pub fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"a".repeat(MAX_TEXT + 1)).len(), MAX_TEXT);
        let wide = "ü".repeat(MAX_TEXT);
        assert_eq!(cut(&format!("a{wide}")).len(), MAX_TEXT - 1);
    }
}
