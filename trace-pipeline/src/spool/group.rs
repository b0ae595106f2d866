use std::time::Instant;

use bytes::Bytes;

use super::Rank;

/// Records that are sent together.
#[derive(Debug)]
pub(crate) struct Group {
    /// Where it is in the order of all.
    pub(crate) number: u64,
    pub(crate) payload: Bytes,
    pub(crate) spans: usize,
    pub(crate) expires: Instant,
    /// Each by its rank, its segment, and where it ends there.
    pub(super) parts: Vec<(Rank, u64, u64)>,
}
