//! How records and the heads of segments lie in a file. Numbers are little-endian.

use std::time::Duration;

/// What a segment begins with; the last byte is the version.
const MAGIC: [u8; 8] = *b"trspool\x01";

/// What comes before the bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHead {
    pub(super) bytes: u32,
    pub(super) spans: u32,
    /// Where the record is in the order of all records of this spool.
    pub(super) number: u64,
    checksum: u32,
}

impl RecordHead {
    pub(super) const LEN: usize = 24;

    /// `None` if the payload is more than a record may hold.
    pub(super) fn new(number: u64, spans: usize, payload: &[u8]) -> Option<Self> {
        Some(Self {
            bytes: payload.len().try_into().ok()?,
            spans: spans.try_into().ok()?,
            number,
            checksum: crc32fast::hash(payload),
        })
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.spans.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.checksum.to_le_bytes());
        let own = crc32fast::hash(&bytes[..20]);
        bytes[20..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// `None` if it is damaged.
    pub(super) fn read(bytes: &[u8; Self::LEN]) -> Option<Self> {
        (crc32fast::hash(&bytes[..20]) == u32_at(bytes, 20)).then(|| Self {
            bytes: u32_at(bytes, 0),
            spans: u32_at(bytes, 4),
            number: u64_at(bytes, 8),
            checksum: u32_at(bytes, 16),
        })
    }

    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        crc32fast::hash(payload) == self.checksum
    }

    /// Bytes of the record with its head.
    pub(super) fn len(&self) -> u64 {
        Self::LEN as u64 + u64::from(self.bytes)
    }
}

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHead {
    /// When it was made, since the beginning of 1970.
    pub(super) made: Duration,
}

impl SegmentHead {
    pub(super) const LEN: usize = 20;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let millis = u64::try_from(self.made.as_millis()).unwrap_or(u64::MAX);
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&millis.to_le_bytes());
        let own = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// `None` if it is damaged, or of another version.
    pub(super) fn read(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let sound = bytes[..8] == MAGIC && crc32fast::hash(&bytes[..16]) == u32_at(bytes, 16);
        sound.then(|| Self {
            made: Duration::from_millis(u64_at(bytes, 8)),
        })
    }
}

/// How far a segment is delivered, as its `.ack` file says it.
pub(super) fn progress_to_bytes(offset: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    let own = crc32fast::hash(&bytes[..8]);
    bytes[8..].copy_from_slice(&own.to_le_bytes());
    bytes
}

/// `None` if it is damaged.
pub(super) fn read_progress(bytes: &[u8]) -> Option<u64> {
    let sound = bytes.len() == 12 && crc32fast::hash(&bytes[..8]) == u32_at(bytes, 8);
    sound.then(|| u64_at(bytes, 0))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_of_another_version_is_not_read() {
        let head = SegmentHead {
            made: Duration::from_millis(1_700_000_000_123),
        };
        let mut bytes = head.to_bytes();
        assert_eq!(SegmentHead::read(&bytes), Some(head));
        bytes[7] = 2;
        assert_eq!(SegmentHead::read(&bytes), None);
    }

    proptest! {
        #[test]
        fn a_head_is_read_as_it_was_written_and_not_at_all_when_a_bit_is_wrong(
            number: u64,
            spans in 0_usize..1_000_000,
            payload: Vec<u8>,
            bit in 0_usize..RecordHead::LEN * 8,
        ) {
            let head = RecordHead::new(number, spans, &payload).unwrap();
            let mut bytes = head.to_bytes();
            prop_assert_eq!(RecordHead::read(&bytes), Some(head));
            prop_assert!(head.fits(&payload));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(RecordHead::read(&bytes), None);
        }

        #[test]
        fn progress_is_read_as_it_was_written(offset: u64, garbage: Vec<u8>) {
            let bytes = progress_to_bytes(offset);
            prop_assert_eq!(read_progress(&bytes), Some(offset));
            prop_assert_eq!(read_progress(&bytes[1..]), None);
            let _ = read_progress(&garbage);
        }
    }
}
