/// What stands for the exchange without a name, where there is nothing else to say.
const DEFAULT: &str = "amq.default";

/// Three short strings and what stands between them.
const LONGEST: usize = 3 * 255 + 2;

/// The name of a destination, in the form of the conventions. It is put together without an allocation: it is needed before anybody knows whether it is
/// recorded.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack, for the length of a call"
)]
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    One(&'a str),
    Joined([u8; LONGEST], usize),
}

impl<'a> Name<'a> {
    /// Where a producer sends: `{exchange}:{routing key}`.
    pub(super) fn sent_to(exchange: &'a str, routing_key: &'a str) -> Self {
        match (exchange, routing_key) {
            ("", "") => Self::One(DEFAULT),
            ("", one) | (one, "") => Self::One(one),
            (exchange, routing_key) => Self::join(&[exchange, routing_key]),
        }
    }

    /// Where a consumer has a message from: `{exchange}:{routing key}:{queue}`, without what is empty or there twice.
    pub(super) fn came_to(exchange: &'a str, routing_key: &'a str, queue: &'a str) -> Self {
        let queue = if queue == routing_key { "" } else { queue };
        match (exchange, routing_key, queue) {
            (one, "", "") | ("", one, "") | ("", "", one) => Self::One(one),
            ("", a, b) | (a, "", b) | (a, b, "") => Self::join(&[a, b]),
            (a, b, c) => Self::join(&[a, b, c]),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::One(name) => name,
            Self::Joined(bytes, length) => {
                let joined = bytes.get(..*length).unwrap_or_default();
                std::str::from_utf8(joined).unwrap_or_default()
            }
        }
    }

    fn join(parts: &[&str]) -> Self {
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        let mut put = |part: &str| {
            // Short strings cannot be too long for it.
            if let Some(room) = bytes.get_mut(length..length + part.len()) {
                room.copy_from_slice(part.as_bytes());
                length += part.len();
            }
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                put(":");
            }
            put(part);
        }
        Self::Joined(bytes, length)
    }
}

impl AsRef<str> for Name<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_have_the_form_of_the_conventions() {
        let sent_to = |exchange, key| Name::sent_to(exchange, key).as_str().to_owned();
        assert_eq!(sent_to("direct_logs", "warning"), "direct_logs:warning");
        assert_eq!(sent_to("logs", ""), "logs");
        assert_eq!(sent_to("", "jobs"), "jobs");
        assert_eq!(sent_to("", ""), "amq.default");
        for (exchange, key, queue, name) in [
            ("direct_logs", "warning", "mine", "direct_logs:warning:mine"),
            ("", "jobs", "jobs", "jobs"),
            ("x", "jobs", "jobs", "x:jobs"),
            ("logs", "", "mine", "logs:mine"),
            ("", "jobs", "mine", "jobs:mine"),
            ("", "", "mine", "mine"),
        ] {
            assert_eq!(Name::came_to(exchange, key, queue).as_str(), name);
        }
    }

    #[test]
    fn the_longest_names_fit() {
        let long = "ü".repeat(127);
        let name = Name::came_to(&long, "key", &long);
        assert_eq!(name.as_str(), format!("{long}:key:{long}"));
        let (a, b, c) = ("a".repeat(255), "b".repeat(255), "c".repeat(255));
        assert_eq!(Name::came_to(&a, &b, &c).as_str(), format!("{a}:{b}:{c}"));
    }
}
