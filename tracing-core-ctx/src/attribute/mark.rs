/// One of 64 marks, by the look of a name: a name whose mark nobody has is new. Known while compiling for names that are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u8);

// Where an entry has it.
const SHIFT: u32 = 48;

impl Mark {
    /// The ends, what stands behind the first third, and the length: the names that meet on a span of HTTP or of gRPC have different
    /// marks, and most of those on one of a message.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "six bits are wanted")]
    pub(super) const fn of(name: &str) -> Self {
        let name = name.as_bytes();
        let ([first, ..], [.., last]) = (name, name) else {
            return Self(0);
        };
        let inner = name[name.len() / 3];
        let look = first
            .wrapping_mul(16)
            .wrapping_add(inner.wrapping_mul(4))
            .wrapping_add(*last);
        Self(look.wrapping_add(name.len() as u8) & 0x3f)
    }

    /// In the eight bits where an entry has it.
    #[inline]
    pub(super) const fn to_bits(self) -> u64 {
        (self.0 as u64) << SHIFT
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self((bits >> SHIFT & 0x3f) as u8)
    }
}

/// Which marks there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks(u64);

impl Marks {
    pub(super) const NONE: Self = Self(0);

    #[inline]
    pub(super) const fn add(&mut self, mark: Mark) {
        self.0 |= 1 << (mark.0 & 0x3f);
    }

    #[inline]
    pub(super) const fn have(self, mark: Mark) -> bool {
        self.0 >> (mark.0 & 0x3f) & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all_differ(names: &[&str]) {
        let mut marks = Marks::NONE;
        for name in names {
            let mark = Mark::of(name);
            assert!(!marks.have(mark), "{name}");
            marks.add(mark);
            assert!(marks.have(mark));
            assert_eq!(Mark::from_bits(mark.to_bits() | 7), mark);
        }
    }

    #[test]
    fn the_names_of_a_grpc_span_have_different_marks() {
        all_differ(&[
            "client.address",
            "client.port",
            "ctx.outcome",
            "ctx.rpc.messages.received",
            "ctx.rpc.messages.sent",
            "error.type",
            "network.peer.address",
            "network.peer.port",
            "rpc.method",
            "rpc.method_original",
            "rpc.status_code",
            "rpc.system.name",
            "server.address",
            "server.port",
        ]);
    }

    #[test]
    fn any_name_has_a_mark() {
        for name in ["", "a", "ab", "abc"] {
            assert_eq!(Mark::from_bits(Mark::of(name).to_bits()), Mark::of(name));
        }
    }

    #[test]
    fn the_names_of_an_http_span_have_different_marks() {
        all_differ(&[
            "client.address",
            "client.port",
            "ctx.outcome",
            "error.type",
            "http.request.body.size",
            "http.request.method",
            "http.request.method_original",
            "http.request.resend_count",
            "http.response.body.size",
            "http.response.status_code",
            "http.route",
            "network.peer.address",
            "network.peer.port",
            "network.protocol.version",
            "server.address",
            "server.port",
            "url.full",
            "url.path",
            "url.query",
            "url.scheme",
            "url.template",
            "user_agent.original",
        ]);
    }
}
