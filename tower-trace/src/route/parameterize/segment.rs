//! What one segment of a path is called.

use super::{REST, ids, words};

/// The longest segment that is looked at, in bytes. Longer than that are tokens, and texts nobody reads in a name.
const MAX_SEGMENT: usize = 256;

/// The longest id that is called an id; a longer one is a token.
const MAX_ID: usize = 40;

const DATE: &str = "{date}";
const EMAIL: &str = "{email}";
const HANDLE: &str = "{handle}";
const HASH: &str = "{hash}";
const ID: &str = "{id}";
const IP: &str = "{ip}";
const TEXT: &str = "{text}";
const TOKEN: &str = "{token}";
const ULID: &str = "{ulid}";
const UUID: &str = "{uuid}";
const VERSION: &str = "{version}";

/// Every parameter there is, so that a name is its own name.
const PARAMETERS: [&str; 12] = [
    DATE, EMAIL, HANDLE, HASH, ID, IP, REST, TEXT, TOKEN, ULID, UUID, VERSION,
];

/// The extensions that stay. From an open list they would be as many as ids.
const EXTENSIONS: [&str; 64] = [
    "7z", "action", "apk", "asp", "aspx", "atom", "avif", "avro", "bin", "bz2", "css", "csv",
    "deb", "dmg", "do", "doc", "docx", "exe", "gif", "gz", "htm", "html", "ico", "ics", "jar",
    "jpeg", "jpg", "js", "json", "jsonl", "jsp", "m3u8", "map", "md", "mjs", "mov", "mp3", "mp4",
    "mpd", "ogg", "parquet", "pdf", "php", "png", "ppt", "pptx", "rpm", "rss", "svg", "tar", "tgz",
    "ts", "ttf", "txt", "wasm", "wav", "webm", "webp", "woff", "woff2", "xls", "xlsx", "xml",
    "zip",
];

/// Names behind an `@` that interfaces use as words.
const RESERVED_HANDLES: [&str; 4] = ["@all", "@me", "@original", "@self"];

/// The name of a segment: text and what stays behind it.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    text: &'a str,
    suffix: &'a str,
}

impl Name<'_> {
    pub(super) fn len(self) -> usize {
        self.text.len() + self.suffix.len()
    }

    pub(super) fn is(self, segment: &str) -> bool {
        segment.strip_prefix(self.text) == Some(self.suffix)
    }

    pub(super) fn push_to(self, out: &mut String) {
        out.push_str(self.text);
        out.push_str(self.suffix);
    }
}

/// Names a segment.
pub(super) fn name(segment: &str) -> Name<'_> {
    let segment = segment.split_once(';').map_or(segment, |(text, _)| text);
    let (text, suffix) = if segment.len() > MAX_SEGMENT {
        (segment, "")
    } else {
        split_suffix(segment)
    };
    match parameter(text) {
        None => Name {
            text: segment,
            suffix: "",
        },
        Some(text) => Name { text, suffix },
    }
}

/// Splits off an extension or the verb of a custom method.
fn split_suffix(segment: &str) -> (&str, &str) {
    let Some(at) = segment.rfind(['.', ':']) else {
        return (segment, "");
    };
    let (text, suffix) = segment.split_at(at);
    let word = &suffix[1..];
    let stays = if suffix.starts_with('.') {
        let is_extension = |known: &&str| known.eq_ignore_ascii_case(word);
        // The end of `ann@example.rs` and of `…T10:00:00.7Z` is none.
        let is_whole = ids::is_email(segment) || ids::is_date(segment);
        !is_whole && EXTENSIONS.iter().any(is_extension)
    } else {
        let is_verb = word.bytes().all(|byte| byte.is_ascii_alphabetic()) && words::are_words(word);
        is_verb && !text.contains(':')
    };
    if stays && !text.is_empty() {
        (text, suffix)
    } else {
        (segment, "")
    }
}

/// The parameter that takes the place of a text, if it is not to stay.
fn parameter(text: &str) -> Option<&'static str> {
    if text.len() > MAX_SEGMENT {
        return Some(TOKEN);
    }
    if PARAMETERS.contains(&text) {
        return None;
    }
    if ids::is_email(text) {
        return Some(EMAIL);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+:=@".contains(&byte);
    if !text.bytes().all(is_plain) {
        return odd(text);
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        // Such as `.`, `..`, `-` and nothing at all.
        return (text.len() > 2).then_some(TEXT);
    }
    if text.starts_with('@') {
        return (!RESERVED_HANDLES.contains(&text)).then_some(HANDLE);
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return letters(text);
    }
    if words::is_known(text) || ids::is_short_version(text) {
        None
    } else if ids::is_uuid(text) {
        Some(UUID)
    } else if ids::is_ulid(text) {
        Some(ULID)
    } else if ids::is_hash(text) {
        Some(HASH)
    } else if ids::is_date(text) {
        Some(DATE)
    } else if ids::is_ip(text) {
        Some(IP)
    } else if ids::is_version(text) {
        Some(VERSION)
    } else if words::are_words(text) {
        None
    } else {
        Some(opaque(text))
    }
}

/// The parameter for text without digits.
fn letters(text: &str) -> Option<&'static str> {
    if ids::is_hash(text) {
        Some(HASH)
    } else if ids::is_ip(text) {
        Some(IP)
    } else if words::are_words(text) {
        None
    } else {
        Some(opaque(text))
    }
}

/// The parameter for text with characters that are rare in paths.
fn odd(text: &str) -> Option<&'static str> {
    if let Some(name) = text.strip_prefix('$') {
        // OData: `$metadata`, `$batch`.
        return (!words::are_words(name)).then_some(TEXT);
    }
    let is_list = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b',');
    match text {
        "*" => None,
        _ if is_list => Some(ID),
        _ => Some(TEXT),
    }
}

/// An id that can be anything. Long ones that look like no slug are tokens, whichever characters they happen to have.
fn opaque(text: &str) -> &'static str {
    let is_slug = !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.contains(|c: char| c.is_ascii_punctuation());
    if ids::is_jwt(text) || (text.len() > MAX_ID && !is_slug) {
        TOKEN
    } else {
        ID
    }
}
