//! The syntax of templates.

use super::{Reason, without_brackets};

/// The most segments a template can have. It bounds how deep the tree is, and with it the recursion of a search.
pub(super) const MAX_SEGMENTS: usize = 64;

/// One segment of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Text(&'a str),
    /// A parameter with the text before and after it.
    Parameter {
        before: &'a str,
        after: &'a str,
    },
    Rest,
}

/// Splits `//host/path` into the host, in lower case and without brackets, and the path.
pub(super) fn split_host(template: &str) -> Result<(Option<String>, &str), Reason> {
    let Some(after) = template.strip_prefix("//") else {
        return match template.starts_with('/') {
            true => Ok((None, template)),
            false => Err(Reason::NoSlash),
        };
    };
    let end = after.find('/').ok_or(Reason::NoSlash)?;
    let (host, path) = after.split_at(end);
    match crate::authority::split(host) {
        Some((name, None)) if name == without_brackets(host) => {
            Ok((Some(name.to_ascii_lowercase()), path))
        }
        _ => Err(Reason::BadHost(host.into())),
    }
}

/// Reads a path, which begins with `/`.
pub(super) fn segments(path: &str) -> Result<Vec<Segment<'_>>, Reason> {
    if path.contains(['?', '#']) {
        return Err(Reason::NotAPath);
    }
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Reason::Control);
    }
    let mut segments = Vec::new();
    for text in path[1..].split('/') {
        if segments.len() == MAX_SEGMENTS {
            return Err(Reason::TooLong);
        }
        if segments.last() == Some(&Segment::Rest) {
            return Err(Reason::RestInside);
        }
        segments.push(segment(text)?);
    }
    Ok(segments)
}

fn segment(text: &str) -> Result<Segment<'_>, Reason> {
    if text.len() > 1 && text.starts_with([':', '*']) {
        return Err(Reason::OldSyntax(text.into()));
    }
    let unbalanced = || Reason::Unbalanced(text.into());
    let Some((before, opened)) = text.split_once('{') else {
        return match text.contains('}') {
            true => Err(unbalanced()),
            false => Ok(Segment::Text(text)),
        };
    };
    let (name, after) = opened.split_once('}').ok_or_else(unbalanced)?;
    if before.contains('}') || name.contains('{') {
        return Err(unbalanced());
    }
    if after.contains('{') {
        return Err(Reason::TwoParameters(text.into()));
    }
    if after.contains('}') {
        return Err(unbalanced());
    }
    let is_rest = name.starts_with('*');
    let bare = name.strip_prefix('*').unwrap_or(name);
    let is_name_char = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if bare.is_empty() || !bare.chars().all(is_name_char) {
        return Err(Reason::BadName(name.into()));
    }
    match (is_rest, before, after) {
        (false, ..) => Ok(Segment::Parameter { before, after }),
        (true, "", "") => Ok(Segment::Rest),
        (true, ..) => Err(Reason::RestInside),
    }
}
