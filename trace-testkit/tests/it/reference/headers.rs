use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tracing_core_ctx::propagation::{Extract, Inject};
use tracing_core_ctx::{Context, SpanContext, SpanId, TraceFlags, TraceId};

pub(super) struct Headers<'a> {
    pub(super) map: &'a HeaderMap,
    pub(super) first_only: bool,
}

impl Extract for Headers<'_> {
    fn get_all<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        let limit = if self.first_only { 1 } else { usize::MAX };
        for value in self.map.get_all(name).iter().take(limit) {
            visit(value.as_bytes());
        }
    }
}

pub(super) struct HeadersMut<'a> {
    pub(super) map: &'a mut HeaderMap,
    pub(super) append: bool,
}

impl Inject for HeadersMut<'_> {
    fn set(&mut self, name: &str, value: &str) {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            return;
        };
        if self.append {
            self.map.append(name, value);
        } else {
            self.map.insert(name, value);
        }
    }

    fn remove(&mut self, name: &str) {
        if !self.append {
            self.map.remove(name);
        }
    }
}

/// Reads what it can, as parsers of numbers do, and fills in what is missing.
pub(super) fn lenient(headers: &HeaderMap) -> Context {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let state = text("tracestate").map(str::parse);
    if matches!(state, Some(Err(_))) {
        return Context::new();
    }
    let state = state.and_then(Result::ok);
    let parts: Vec<&str> = text("traceparent").unwrap_or_default().split('-').collect();
    let parsed = match parts[..] {
        [_, trace, span, ..] => u128::from_str_radix(trace, 16)
            .ok()
            .and_then(TraceId::from_u128)
            .zip(
                u64::from_str_radix(span, 16)
                    .ok()
                    .and_then(SpanId::from_u64),
            )
            .map(|(trace, span)| SpanContext::new(trace, span, TraceFlags::SAMPLED)),
        _ => None,
    };
    match (parsed, state) {
        (Some(parsed), state) => Context::new().with_remote_span(
            parsed
                .with_trace_state(state.unwrap_or_default())
                .with_remote(true),
        ),
        (None, Some(state)) => Context::new().with_remote_span(invented().with_trace_state(state)),
        (None, None) => Context::new(),
    }
}

pub(super) fn invented() -> SpanContext {
    let (Some(trace), Some(span)) = (TraceId::from_u128(0xbad), SpanId::from_u64(0xbad)) else {
        unreachable!("not zero");
    };
    SpanContext::new(trace, span, TraceFlags::SAMPLED).with_remote(true)
}

pub(super) fn is_version_zero(headers: &HeaderMap) -> bool {
    headers
        .get("traceparent")
        .is_none_or(|value| value.as_bytes().starts_with(b"00-"))
}
