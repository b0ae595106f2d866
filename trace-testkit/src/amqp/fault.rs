use amq_protocol::types::ShortString;

/// What a client did wrong, and what is closed over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A soft error: the channel is closed.
    Channel(Reply),
    /// A hard error: the connection is closed.
    Connection(Reply),
}

/// The code and the words of a close method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn access_refused(what: impl AsRef<str>) -> Self {
        Self::Channel(Reply::new(403, "ACCESS_REFUSED", what))
    }

    pub(super) fn not_found(what: impl AsRef<str>) -> Self {
        Self::Channel(Reply::new(404, "NOT_FOUND", what))
    }

    pub(super) fn resource_locked(what: impl AsRef<str>) -> Self {
        Self::Channel(Reply::new(405, "RESOURCE_LOCKED", what))
    }

    pub(super) fn precondition_failed(what: impl AsRef<str>) -> Self {
        Self::Channel(Reply::new(406, "PRECONDITION_FAILED", what))
    }

    pub(super) fn login_refused(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(403, "ACCESS_REFUSED", what))
    }

    pub(super) fn frame_error(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(501, "FRAME_ERROR", what))
    }

    pub(super) fn syntax_error(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(502, "SYNTAX_ERROR", what))
    }

    pub(super) fn command_invalid(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(503, "COMMAND_INVALID", what))
    }

    pub(super) fn channel_error(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(504, "CHANNEL_ERROR", what))
    }

    pub(super) fn unexpected_frame(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(505, "UNEXPECTED_FRAME", what))
    }

    pub(super) fn resource_error(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(506, "RESOURCE_ERROR", what))
    }

    pub(super) fn not_allowed(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(530, "NOT_ALLOWED", what))
    }

    pub(super) fn not_implemented(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(540, "NOT_IMPLEMENTED", what))
    }

    pub(super) fn internal_error(what: impl AsRef<str>) -> Self {
        Self::Connection(Reply::new(541, "INTERNAL_ERROR", what))
    }
}

impl Reply {
    fn new(code: u16, name: &str, what: impl AsRef<str>) -> Self {
        Self {
            code,
            text: format!("{name} - {}", what.as_ref()),
        }
    }

    pub(super) fn short_text(&self) -> ShortString {
        short(&self.text)
    }
}

/// A text as a short string, cut where it is too long for one.
pub(super) fn short(text: &str) -> ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = "ü".repeat(200);
        assert_eq!(short(&text).as_str().len(), 254);
        assert_eq!(short("no queue").as_str(), "no queue");
    }
}
