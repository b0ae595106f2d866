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

/// A number for each version that has a name, and one for all others.
pub(crate) const fn number(version: Version) -> u32 {
    match version {
        Version::HTTP_09 => 1,
        Version::HTTP_10 => 2,
        Version::HTTP_11 => 3,
        Version::HTTP_2 => 4,
        Version::HTTP_3 => 5,
        _ => 0,
    }
}

/// The old `http.flavor`.
pub(crate) fn flavor(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_2 => Some("2.0"),
        Version::HTTP_3 => Some("3.0"),
        other => name(other),
    }
}
