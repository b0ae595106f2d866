use std::fmt::Write as _;

use tracing_core_ctx::Context;

use crate::logs::LogIds;
use crate::logs::ids::Shown;

/// As members of an object, without its braces.
pub(super) fn write(ids: &LogIds, context: &Context, out: &mut String) {
    let start = out.len();
    ids.visit(context, |name, value| {
        if out.len() > start {
            out.push(',');
        }
        // Names need no escape. Writing to a text does not fail.
        let _ = write!(out, "\"{name}\":");
        match value {
            Shown::Flag(flag) => {
                let _ = write!(out, "{flag}");
            }
            Shown::Plain(text) => {
                let _ = write!(out, "\"{text}\"");
            }
            Shown::Text(text) => write_string(text, out),
        }
    });
}

/// A string of RFC 8259.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                // Those beyond the first plane are no controls.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_escaped() {
        let mut out = String::new();
        write_string("a\"b\\c\nd\u{7f}é", &mut out);
        assert_eq!(out, r#""a\"b\\c\u000ad\u007fé""#);
        let read: String = serde_json::from_str(&out).unwrap();
        assert_eq!(read, "a\"b\\c\nd\u{7f}é");
    }
}
