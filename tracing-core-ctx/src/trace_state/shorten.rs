use super::TraceState;
use super::shared::Shared;

/// Members that are longer, as they are sent, are the first to go.
const LONG: usize = 128;

impl TraceState {
    /// The list in at most `bytes` bytes, member by member: of those longer than 128 bytes as many as need be are left out, from the right, and then of
    /// the others ([W3C Trace Context Level 2, section 3.3.1.5]). Every service has to hand on at least 512 bytes.
    ///
    /// ```
    /// use tracing_core_ctx::TraceState;
    ///
    /// let state: TraceState = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE".parse()?;
    /// assert_eq!(state.shortened(512), state);
    /// assert_eq!(state.shortened(30).as_str(), "rojo=00f067aa0ba902b7");
    /// # Ok::<(), tracing_core_ctx::trace_state::InvalidTraceState>(())
    /// ```
    ///
    /// [W3C Trace Context Level 2, section 3.3.1.5]: https://www.w3.org/TR/trace-context-2/#tracestate-limits
    #[must_use]
    pub fn shortened(&self, bytes: usize) -> Self {
        if self.as_bytes().len() <= bytes {
            return self.clone();
        }
        let mut members: Vec<_> = self.members().collect();
        // With the comma that each but one has.
        let length = |(key, value): &(&[u8], &[u8])| key.len() + 1 + value.len() + 1;
        let mut rest: usize = members.iter().map(length).sum();
        for is_long in [true, false] {
            for at in (0..members.len()).rev() {
                if rest <= bytes + 1 {
                    break;
                }
                let length = length(&members[at]);
                if !is_long || length > LONG + 1 {
                    rest -= length;
                    members.remove(at);
                }
            }
        }
        let mut text = Shared::EMPTY;
        for (key, value) in members {
            text.push(key, value);
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(list: &str, bytes: usize) -> String {
        let list: TraceState = list.parse().unwrap();
        list.shortened(bytes).as_str().to_owned()
    }

    #[test]
    fn what_fits_stays_and_the_rest_goes_from_the_right() {
        assert_eq!(shortened("a=1,b=2,c=3", 11), "a=1,b=2,c=3");
        assert_eq!(shortened("a=1,b=2,c=3", 10), "a=1,b=2");
        assert_eq!(shortened("a=1,b=2,c=3", 7), "a=1,b=2");
        assert_eq!(shortened("a=1,b=2,c=3", 6), "a=1");
        assert_eq!(shortened("a=1,b=2,c=3", 0), "");
        assert_eq!(shortened("", 0), "");
    }

    #[test]
    fn members_longer_than_128_bytes_go_first_and_no_more_of_them_than_need_be() {
        let (exact, long) = ("x".repeat(126), "x".repeat(127));
        let list = format!("a={long},b=1,c={long},d={exact},e=2");
        assert_eq!(shortened(&list, 270), format!("a={long},b=1,d={exact},e=2"));
        assert_eq!(shortened(&list, 200), format!("b=1,d={exact},e=2"));
        assert_eq!(shortened(&list, 130), "b=1".to_owned());
    }
}
