//! What passes for words.

/// The longest text that is looked at for words, in bytes.
const MAX_WORDS: usize = 64;

/// The longest word; `internationalization` has 20 letters.
const MAX_WORD: usize = 24;

/// The longest word with a digit behind it that is not among the known ones.
const MAX_NUMBERED: usize = 12;

/// The most consonants in a row that a word has, as in `healthcheck`.
const MAX_CONSONANTS: usize = 5;

/// The longest acronym in front of a word, with the capital of that word.
const MAX_ACRONYM: usize = 6;

/// The words of the trade that have digits, and too many of them or in odd places.
const KNOWN: [&str; 84] = [
    "2d",
    "2fa",
    "3d",
    "4k",
    "a11y",
    "aes128",
    "aes256",
    "amd64",
    "arm64",
    "auth0",
    "auth2",
    "b2b",
    "b2c",
    "base32",
    "base58",
    "base64",
    "c2c",
    "crc32",
    "d2c",
    "e164",
    "e2e",
    "ec2",
    "ed25519",
    "es256",
    "es384",
    "es512",
    "fido2",
    "float32",
    "float64",
    "h264",
    "h265",
    "hs256",
    "hs384",
    "hs512",
    "http1",
    "http2",
    "http3",
    "i18n",
    "i386",
    "int16",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "iso8601",
    "k8s",
    "l10n",
    "log4j",
    "m2m",
    "m3u8",
    "md5",
    "mp3",
    "mp4",
    "o11y",
    "o365",
    "oauth1",
    "oauth2",
    "office365",
    "p12",
    "p2p",
    "pbkdf2",
    "pkcs12",
    "rs256",
    "rs384",
    "rs512",
    "s2s",
    "s3",
    "saml2",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "uint16",
    "uint32",
    "uint64",
    "utf16",
    "utf32",
    "utf8",
    "web3",
    "win32",
    "x25519",
    "x509",
    "x64",
    "x86",
];

/// The words of two letters that are met inside `camelCase`.
const SHORT: [&str; 26] = [
    "Ad", "An", "As", "At", "By", "Db", "Do", "Go", "Id", "If", "In", "Io", "Ip", "Is", "Js", "Me",
    "My", "No", "Of", "On", "Or", "Os", "To", "Tv", "Ui", "Up",
];

/// Whether this is a word of the trade.
pub(super) fn is_known(text: &str) -> bool {
    text.len() < 10 && KNOWN.iter().any(|known| known.eq_ignore_ascii_case(text))
}

/// Whether the text is words, apart by punctuation or by capitals.
///
/// One digit may be among them: behind a word, or alone (`step3`, `step-3`). Known words do not count. Where capitals
/// stand inside words, no other digit may be: ids with capitals and digits would look too much alike.
pub(super) fn are_words(text: &str) -> bool {
    if text.len() > MAX_WORDS {
        return false;
    }
    let pieces = || text.split(|c: char| !c.is_ascii_alphanumeric());
    let has_small = text.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_mixed = |piece: &str| piece.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let mut digits = usize::from(has_small && pieces().any(is_mixed));
    let mut words = 0;
    for piece in pieces().filter(|piece| !piece.is_empty()) {
        let has_digit = piece.bytes().any(|byte| byte.is_ascii_digit());
        if has_digit && is_known(piece) {
            words += 1;
            continue;
        }
        if has_digit && next_hump(piece).is_none() {
            let word = &piece[..piece.len() - 1];
            digits += 1;
            let is_numbered = word.len() <= MAX_NUMBERED
                && word.bytes().all(|byte| byte.is_ascii_alphabetic())
                && digits == 1;
            if !is_numbered || !(word.is_empty() || is_word(word)) {
                return false;
            }
            words += usize::from(!word.is_empty());
            continue;
        }
        if !is_camel(piece) {
            return false;
        }
        words += 1;
    }
    words > 0
}

/// Where a capital stands after a small letter or a digit, first.
fn next_hump(piece: &str) -> Option<usize> {
    let begins = |pair: &[u8]| !pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase();
    let before = piece.as_bytes().windows(2).position(begins)?;
    Some(before + 1)
}

/// Whether the piece is one word, or several as in `getUserById`, `HTTPServer` or `sha256Sum`.
fn is_camel(piece: &str) -> bool {
    let mut acronyms = 0;
    let mut rest = piece;
    while !rest.is_empty() {
        let (hump, after) = rest.split_at(next_hump(rest).unwrap_or(rest.len()));
        rest = after;

        let capitals = hump.bytes().take_while(u8::is_ascii_uppercase).count();
        let small = &hump[capitals..];
        let is_fine = match (capitals, small.len()) {
            // A shorter known word, such as `S3`, is met in random ids too.
            _ if hump.bytes().any(|byte| byte.is_ascii_digit()) => hump.len() > 3 && is_known(hump),
            (_, 0) | (0, _) => is_word(hump),
            // The plural of an acronym: `IDs`.
            (2.., 1) if small == "s" => true,
            // The last capital begins the word, the others are an acronym: `HTTPServer`.
            (..=MAX_ACRONYM, 1) => SHORT.contains(&&hump[capitals - 1..]),
            (..=MAX_ACRONYM, _) => is_word(&hump[capitals - 1..]),
            _ => false,
        };
        if !is_fine {
            return false;
        }
        // A second acronym can only be the end: `parseJSONFromURL`.
        acronyms += usize::from(capitals > 1 && !small.is_empty());
        if acronyms > 1 {
            return false;
        }
    }
    true
}

/// Whether letters can be a word.
fn is_word(letters: &str) -> bool {
    // The first six letters may be all consonants: `xmlrpc`.
    letters.len() <= MAX_CONSONANTS + 1
        || (letters.len() <= MAX_WORD
            && letters
                .split(|c: char| "aeiouyAEIOUY".contains(c))
                .all(|consonants| consonants.len() <= MAX_CONSONANTS))
}
