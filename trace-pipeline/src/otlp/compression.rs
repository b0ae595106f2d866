use std::io::{self, Read, Write as _};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::HeaderValue;

/// How requests are made smaller.
///
/// A batch of 512 server spans with seven attributes is 290 bytes a span, by gzip 44, by zstd 36. gzip is what every server of OTLP takes; the Collector takes
/// zstd as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip, at its fastest level.
    Gzip,
    /// Not at all.
    #[default]
    None,
    /// zstd, at its fastest regular level.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    /// By its name in `OTEL_EXPORTER_OTLP_COMPRESSION`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" => Some(Self::Gzip),
            "none" => Some(Self::None),
            #[cfg(feature = "zstd")]
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What `content-encoding` and `grpc-encoding` say.
    pub(super) const fn encoding(self) -> Option<HeaderValue> {
        match self {
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::None => None,
            #[cfg(feature = "zstd")]
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
        }
    }

    pub(super) fn compress(self, message: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Gzip => gzip(&message).map(Bytes::from),
            Self::None => Ok(message),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::bulk::compress(&message, 1).map(Bytes::from),
        }
    }
}

/// The encodings of answers that are read, for `grpc-accept-encoding`.
pub(super) const READ: HeaderValue = HeaderValue::from_static(if cfg!(feature = "zstd") {
    "gzip, zstd"
} else {
    "gzip"
});

/// A message as it was before the server made it smaller; `None` if that is not in this encoding, or larger than `most` bytes.
pub(super) fn unpack(encoding: &HeaderValue, message: &[u8], most: usize) -> Option<Bytes> {
    match encoding.as_bytes() {
        b"gzip" | b"x-gzip" => read(MultiGzDecoder::new(message), most),
        #[cfg(feature = "zstd")]
        b"zstd" => {
            // The memory that is needed, as a power of two: 8 MiB (RFC 8878, section 3.1.1.1.2).
            const WINDOW: u32 = 23;

            let mut decoder = zstd::Decoder::with_buffer(message).ok()?;
            decoder.window_log_max(WINDOW).ok()?;
            read(decoder, most)
        }
        _ => None,
    }
}

fn read(packed: impl Read, most: usize) -> Option<Bytes> {
    let mut message = Vec::new();
    let limit = (most as u64).saturating_add(1);
    packed.take(limit).read_to_end(&mut message).ok()?;
    (message.len() <= most).then(|| message.into())
}

fn gzip(message: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(message.len() / 4),
        flate2::Compression::fast(),
    );
    encoder.write_all(message)?;
    encoder.finish()
}
