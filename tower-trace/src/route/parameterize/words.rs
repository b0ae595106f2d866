//! What passes for words.

/// The longest text that is looked at for words, in bytes.
const MAX_WORDS: usize = 64;

/// The longest word; `internationalization` has 20 letters.
const MAX_WORD: usize = 24;

/// The longest word with a digit behind it that is not among the known ones.
const MAX_NUMBERED: usize = 12;

/// As many consonants in a row are no word: `healthcheck` has five.
const MAX_CONSONANTS: usize = 5;

/// The words of the trade that have digits, and too many of them or in odd places.
const KNOWN: [&str; 84] = [
    "2d", "2fa", "3d", "4k", "a11y", "aes128", "aes256", "amd64", "arm64", "auth0", "auth2", "b2b",
    "b2c", "base32", "base58", "base64", "c2c", "crc32", "d2c", "e164", "e2e", "ec2", "ed25519",
    "es256", "es384", "es512", "fido2", "float32", "float64", "h264", "h265", "hs256", "hs384",
    "hs512", "http1", "http2", "http3", "i18n", "i386", "int16", "int32", "int64", "ipv4", "ipv6",
    "iso8601", "k8s", "l10n", "log4j", "m2m", "m3u8", "md5", "mp3", "mp4", "o11y", "o365", "oauth1",
    "oauth2", "office365", "p12", "p2p", "pbkdf2", "pkcs12", "rs256", "rs384", "rs512", "s2s", "s3",
    "saml2", "sha1", "sha256", "sha384", "sha512", "uint16", "uint32", "uint64", "utf16", "utf32",
    "utf8", "web3", "win32", "x25519", "x509", "x64", "x86",
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
    let mut digits = usize::from(pieces().any(is_camel_case));
    let mut words = 0;
    for piece in pieces().filter(|piece| !piece.is_empty()) {
        let has_digit = piece.bytes().any(|byte| byte.is_ascii_digit());
        if has_digit && is_known(piece) {
            words += 1;
            continue;
        }
        if has_digit && !is_camel_case(piece) {
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

/// Whether a capital stands after a small letter or a digit.
fn is_camel_case(piece: &str) -> bool {
    piece
        .as_bytes()
        .windows(2)
        .any(|pair| !pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase())
}

/// Whether the piece is one word, or several as in `getUserById`, `HTTPServer` or `sha256Sum`.
fn is_camel(piece: &str) -> bool {
    let mut acronyms = 0;
    let mut humps = 0;
    let mut rest = piece;
    while !rest.is_empty() {
        let end = rest
            .as_bytes()
            .windows(2)
            .position(|pair| !pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase());
        let (hump, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
        rest = after;
        humps += 1;

        let capitals = hump.bytes().take_while(u8::is_ascii_uppercase).count();
        let small = &hump[capitals..];
        let is_fine = match (capitals, small.len()) {
            _ if hump.bytes().any(|byte| byte.is_ascii_digit()) => is_known(hump),
            (_, 0) | (0, _) => is_word(hump),
            (1, 1) => SHORT.contains(&hump),
            // The plural of an acronym: `IDs`.
            (_, 1) => small == "s",
            _ => is_word(hump),
        };
        if !is_fine {
            return false;
        }
        acronyms += usize::from(capitals > 1);
    }
    humps == 1 || acronyms <= 1 || (acronyms == 2 && piece.len() >= 4 * humps)
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
