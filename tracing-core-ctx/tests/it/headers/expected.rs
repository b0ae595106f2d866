//! The grammars once more: with strings and vectors, slowly, so that one can see that it is right.

use tracing_core_ctx::Context;
use tracing_core_ctx::context::SamplingHint;

use super::input::Headers;

/// What a context has to say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expected {
    /// Trace id, span id and flags.
    span: Option<(u128, u64, u8)>,
    state: String,
    hint: Option<SamplingHint>,
    /// Name, value and metadata.
    baggage: Vec<(String, String, String)>,
}

impl Expected {
    pub(super) fn of(context: &Context) -> Self {
        let span = context.span_context();
        assert!(span.is_none_or(|span| span.is_remote()));
        let entries = context.baggage().iter();
        Self {
            span: span.map(|span| {
                (
                    span.trace_id().to_u128(),
                    span.span_id().to_u64(),
                    span.flags().bits(),
                )
            }),
            state: span
                .map(|span| span.trace_state().to_string())
                .unwrap_or_default(),
            hint: context.sampling_hint(),
            baggage: entries
                .map(|entry| {
                    (
                        entry.name().to_owned(),
                        entry.value().to_owned(),
                        entry.metadata().to_owned(),
                    )
                })
                .collect(),
        }
    }

    /// What the next one reads if this is passed on.
    pub(super) fn passed_on(mut self) -> Self {
        for entry in &mut self.baggage {
            entry.2 = entry.2.replace('\t', " ");
        }
        self
    }

    fn span(trace_id: u128, span_id: u64, flags: u8) -> Self {
        Self {
            span: Some((trace_id, span_id, flags)),
            ..Self::default()
        }
    }

    fn hint(mut self, hint: SamplingHint) -> Self {
        self.hint = Some(hint);
        self
    }
}

pub(super) fn traceparent(headers: &Headers) -> Expected {
    strict_traceparent(headers).unwrap_or_default()
}

fn strict_traceparent(headers: &Headers) -> Option<Expected> {
    let [text] = &headers.texts("traceparent")[..] else {
        return None;
    };
    let pieces: Vec<&str> = blanks_off(text).split('-').collect();
    let [version, trace_id, span_id, flags, more @ ..] = &pieces[..] else {
        return None;
    };
    if [version, trace_id, span_id, flags]
        .iter()
        .any(|piece| piece.contains(|c: char| c.is_ascii_uppercase()))
    {
        return None;
    }
    let (_, trace_id, span_id, flags) = (
        hex(version, 2)?,
        hex(trace_id, 32)?,
        hex(span_id, 16)?,
        hex(flags, 2)?,
    );
    if *version == "ff" || (*version == "00" && !more.is_empty()) || trace_id == 0 || span_id == 0 {
        return None;
    }
    Some(Expected::span(
        trace_id,
        short(span_id)?,
        u8::try_from(flags & 3).ok()?,
    ))
}

pub(super) fn tracestate(headers: &Headers) -> Expected {
    let state = strict_tracestate(&headers.texts("tracestate").join(","));
    Expected {
        state: state.unwrap_or_default(),
        ..traceparent(headers)
    }
}

fn strict_tracestate(list: &str) -> Option<String> {
    let members: Vec<&str> = list
        .split(',')
        .map(blanks_off)
        .filter(|member| !member.is_empty())
        .collect();
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for member in &members {
        let (key, value) = member.split_once('=')?;
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*/@".contains(c);
        let key_is_fine = key.chars().all(is_key) && !key.starts_with(['_', '-', '*', '/', '@']);
        let value_is_fine =
            value.chars().all(|c| (' '..='~').contains(&c) && c != '=') && !value.ends_with(' ');
        if !key_is_fine
            || !value_is_fine
            || !(1..=256).contains(&key.len())
            || !(1..=256).contains(&value.len())
        {
            return None;
        }
        if !kept.iter().any(|known| known.0 == key) {
            kept.push((key, value));
        }
    }
    let kept: Vec<_> = kept
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (members.len() <= 32).then(|| kept.join(","))
}

pub(super) fn baggage(headers: &Headers) -> Expected {
    let mut entries: Vec<(String, String, String)> = Vec::new();
    let list = headers.texts("baggage").join(",");
    for member in list.split(',') {
        let Some(entry) = baggage_member(member) else {
            continue;
        };
        match entries.iter_mut().find(|known| known.0 == entry.0) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }
    Expected {
        baggage: entries,
        ..Expected::default()
    }
}

fn baggage_member(member: &str) -> Option<(String, String, String)> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let (key, value, metadata) = (blanks_off(key), blanks_off(value), blanks_off(metadata));
    let is_token = |c: char| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c);
    let is_octet = |c: char| c.is_ascii_graphic() && !"\",;\\".contains(c);
    let is_metadata = |c: char| c == '\t' || c == ' ' || c.is_ascii_graphic();
    if key.is_empty()
        || !key.chars().all(is_token)
        || !value.chars().all(is_octet)
        || !metadata.chars().all(is_metadata)
    {
        return None;
    }
    Some((
        key.to_owned(),
        String::from_utf8_lossy(&percent_decoded(value)).into_owned(),
        metadata.to_owned(),
    ))
}

pub(super) fn b3(headers: &Headers) -> Expected {
    let text = headers.texts("b3").swap_remove(0);
    let pieces: Vec<&str> = blanks_off(&text).split('-').collect();
    let (ids, state) = match pieces[..] {
        [state] => (None, state),
        [trace_id, span_id] => (Some((trace_id, span_id)), ""),
        [trace_id, span_id, "0" | "1" | "d"] => (Some((trace_id, span_id)), pieces[2]),
        [trace_id, span_id, "0" | "1" | "d", parent] if hex(parent, 16).is_some() => {
            (Some((trace_id, span_id)), pieces[2])
        }
        _ => return Expected::default(),
    };
    let hint = match state {
        "0" => SamplingHint::Deny,
        "1" => SamplingHint::Accept,
        "d" => SamplingHint::Debug,
        _ => SamplingHint::Defer,
    };
    let Some((trace_id, span_id)) = ids else {
        return if hint == SamplingHint::Defer {
            Expected::default()
        } else {
            Expected::default().hint(hint)
        };
    };
    let trace_id = hex(trace_id, 32)
        .or_else(|| hex(trace_id, 16))
        .unwrap_or_default();
    let span_id = hex(span_id, 16).and_then(short).unwrap_or_default();
    if trace_id == 0 || span_id == 0 {
        return Expected::default();
    }
    match hint {
        SamplingHint::Deny => Expected::span(trace_id, span_id, 0),
        SamplingHint::Accept => Expected::span(trace_id, span_id, 1),
        SamplingHint::Debug => Expected::span(trace_id, span_id, 1).hint(hint),
        _ => Expected::span(trace_id, span_id, 0).hint(hint),
    }
}

pub(super) fn jaeger(headers: &Headers) -> Expected {
    let text = headers.texts("uber-trace-id").swap_remove(0);
    let text = String::from_utf8_lossy(&percent_decoded(blanks_off(&text))).into_owned();
    let pieces: Vec<&str> = text.split(':').collect();
    let [trace_id, span_id, parent, flags] = pieces[..] else {
        return Expected::default();
    };
    let parent = if parent.is_empty() {
        Some(0)
    } else {
        hex_up_to(parent, 16)
    };
    let ids = hex_up_to(trace_id, 32).zip(hex_up_to(span_id, 16).and_then(short));
    let Some((((trace_id, span_id), flags), _)) = ids.zip(hex_up_to(flags, 2)).zip(parent) else {
        return Expected::default();
    };
    if trace_id == 0 || span_id == 0 {
        return Expected::default();
    }
    match flags & 3 {
        3 => Expected::span(trace_id, span_id, 1).hint(SamplingHint::Debug),
        1 => Expected::span(trace_id, span_id, 1),
        _ => Expected::span(trace_id, span_id, 0),
    }
}

pub(super) fn xray(headers: &Headers) -> Expected {
    strict_xray(&headers.texts("x-amzn-trace-id")[0]).unwrap_or_default()
}

fn strict_xray(text: &str) -> Option<Expected> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let pairs: Vec<(&str, String)> = pairs
        .map(|(key, value)| (blanks_off(key), blanks_off(value).to_lowercase()))
        .collect();
    let all = |key: &str| -> Vec<&str> {
        pairs
            .iter()
            .filter(|pair| pair.0 == key)
            .map(|pair| pair.1.as_str())
            .collect()
    };
    let (roots, parents, states) = (all("Root"), all("Parent"), all("Sampled"));
    let agree = |values: &[&str]| values.windows(2).all(|two| two[0] == two[1]);
    if !agree(&roots) || !agree(&parents) || !agree(&states) {
        return None;
    }

    let ["1", seconds, rest] = roots.first()?.split('-').collect::<Vec<_>>()[..] else {
        return None;
    };
    let trace_id = hex(seconds, 8)? << 96 | hex(rest, 24)?;
    let (flags, hint) = match states.first() {
        Some(&"0") => (0, None),
        Some(&"1") => (1, None),
        Some(&"?") | None => (0, Some(SamplingHint::Defer)),
        Some(_) => return None,
    };
    if trace_id == 0 {
        return None;
    }
    let Some(parent) = parents.first() else {
        return Some(match states.first() {
            Some(&"0") => Expected::default().hint(SamplingHint::Deny),
            Some(&"1") => Expected::default().hint(SamplingHint::Accept),
            _ => Expected::default(),
        });
    };
    let span_id = hex(parent, 16).and_then(short).filter(|id| *id != 0)?;
    Some(Expected {
        hint,
        ..Expected::span(trace_id, span_id, flags)
    })
}

fn blanks_off(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Exactly so many digits of either case.
fn hex(digits: &str, length: usize) -> Option<u128> {
    let is_hex = digits.len() == length && digits.chars().all(|c| c.is_ascii_hexdigit());
    u128::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

fn hex_up_to(digits: &str, most: usize) -> Option<u128> {
    if digits.len() <= most {
        hex(digits, digits.len())
    } else {
        None
    }
}

fn short(id: u128) -> Option<u64> {
    u64::try_from(id).ok()
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let escape = rest
            .strip_prefix('%')
            .and_then(|rest| rest.get(..2))
            .and_then(|digits| hex(digits, 2));
        if let Some(byte) = escape.and_then(|byte| u8::try_from(byte).ok()) {
            bytes.push(byte);
            rest = &rest[3..];
        } else {
            bytes.extend_from_slice(first.to_string().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    bytes
}
