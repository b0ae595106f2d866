//! Guesses a route from a path, where nobody declared one.
//!
//! | Replaced | By | Examples |
//! |---|---|---|
//! | integers, and ids mixed from letters and digits | `{id}` | `42`, `cus_9s6XKzkNRiz8i3`, `507f1f77bcf86cd799439011` |
//! | UUIDs | `{uuid}` | `550e8400-e29b-41d4-a716-446655440000` |
//! | ULIDs | `{ulid}` | `01ARZ3NDEKTSV4RRFFQ69G5FAV` |
//! | hexadecimal digests of seven digits and more | `{hash}` | `3f2a9c1`, `sha256:9f86d0…` |
//! | dates and times | `{date}` | `2026-11-21`, `20261121`, `2026-11-21T10:00:00Z` |
//! | IP addresses | `{ip}` | `10.0.0.1`, `fe80::1` |
//! | versions of three numbers or more | `{version}` | `1.20.3`, `v1.20.3` |
//! | e-mail addresses | `{email}` | `ann@example.com`, `ann%40example.com` |
//! | names of people behind an `@` | `{handle}` | `@ann` |
//! | JSON web tokens, and other ids of more than 40 characters | `{token}` | `eyJhbGciOi…` |
//! | what is percent-encoded, not ASCII, or punctuation | `{text}` | `caf%C3%A9`, `(a,b)` |
//!
//! Words stay, and so do slugs made of words and the technical words that have a digit: `getUserById`,
//! `my-first-post`, `v2.1`, `oauth2`, `sha256`, `step-3`. A word has no six consonants in a row, at most 24 letters, and
//! capitals where words have them. When in doubt a segment is replaced: a name that is not pretty costs less than ten thousand
//! names.
//!
//! The extension of a file and the verb of a custom method stay behind what is replaced: `{id}.json`, `{id}:cancel`.
//! Matrix parameters (`;jsessionid=…`) are dropped.

mod ids;
mod segment;
mod words;

/// The most segments of a name; the last stands for all that follow in a deeper path.
const MAX_SEGMENTS: usize = 10;

/// The longest name, in bytes.
const MAX_LENGTH: usize = 200;

/// Stands for the segments that were cut off.
const REST: &str = "{*rest}";

/// Replaces the segments of a path that are likely to differ from request to request.
///
/// The result is the path itself when nothing had to be replaced, and otherwise borrows `out`, which is cleared first.
/// Nothing is allocated once `out` has room for 200 bytes. A path of more than ten segments, or with a name longer than
/// 200 bytes, is cut and ends in `{*rest}`. A query or fragment, which should not be there, is left out.
///
/// The result of a result is that result.
pub(crate) fn parameterize<'a>(path: &'a str, out: &'a mut String) -> &'a str {
    out.clear();
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];

    let mut start = usize::from(path.starts_with('/'));
    // As long as nothing was replaced, nothing is copied, and the name so far is the path up to `start`.
    let mut is_copied = false;
    // The last place where the name can be cut and leave room for `REST`.
    let mut cut = start;
    for count in 1.. {
        let length = if is_copied { out.len() } else { start };
        if length + REST.len() <= MAX_LENGTH {
            cut = length;
        }
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        let is_last = end == path.len();
        let is_too_deep = count == MAX_SEGMENTS && !is_last;

        let segment = &path[start..end];
        let name = segment::name(segment);
        if is_too_deep || length + name.len() > MAX_LENGTH {
            if is_copied {
                out.truncate(cut);
            } else {
                out.push_str(&path[..cut]);
            }
            out.push_str(REST);
            return out;
        }
        if !is_copied && !name.is(segment) {
            out.push_str(&path[..start]);
            is_copied = true;
        }
        if is_copied {
            name.push_to(out);
        }
        if is_last {
            break;
        }
        if is_copied {
            out.push('/');
        }
        start = end + 1;
    }
    if is_copied { out } else { path }
}

#[cfg(test)]
mod tests;
