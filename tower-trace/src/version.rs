//! Protocol versions in the words of the conventions.

use http::Version;

/// `network.protocol.version`: `2`, not `2.0` and not `h2`.
pub(crate) fn name(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// The old `http.flavor`.
pub(crate) fn flavor(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_2 => Some("2.0"),
        Version::HTTP_3 => Some("3.0"),
        other => name(other),
    }
}
