use tracing_core_ctx::attribute::KeptText;

use super::{BYTES, FIXED64, VARINT};

/// Writes fields one after the other into the room that there is. Fields are those below 16, whose tags have one byte. As proto3 has it, a
/// default value is not written, unless the method says so.
///
/// When the room is used up, all that follows is lost, and nothing is [left](Self::left). It is handed on from call to call, so that it
/// stays in registers.
#[derive(Debug, Default)]
#[must_use]
pub(in crate::otlp) struct Writer<'a> {
    rest: &'a mut [u8],
}

/// A text of up to so many bytes is copied without a call.
pub(in crate::otlp) const SHORT_TEXT: usize = 64;

impl<'a> Writer<'a> {
    pub(super) const fn new(room: &'a mut [u8]) -> Self {
        Self { rest: room }
    }

    /// How many bytes are left; `None` if there were too few, or just enough.
    pub(super) const fn left(&self) -> Option<usize> {
        match self.rest.len() {
            0 => None,
            left => Some(left),
        }
    }

    /// Lets `write` at the next `N` bytes and keeps as many of them as it says.
    #[inline(always)]
    pub(in crate::otlp) fn chunk<const N: usize>(
        self,
        write: impl FnOnce(&mut [u8; N]) -> usize,
    ) -> Self {
        let Some(chunk) = self.rest.first_chunk_mut() else {
            return Self::default();
        };
        // Not more than that, which spares a second look at how much room there is.
        let kept = write(chunk).min(N);
        Self {
            rest: &mut self.rest[kept..],
        }
    }

    /// Bytes of which the program knows how many they are.
    #[inline(always)]
    pub(in crate::otlp) fn array<const N: usize>(self, bytes: [u8; N]) -> Self {
        self.chunk(|chunk| {
            *chunk = bytes;
            N
        })
    }

    /// Bytes as they are, by a call.
    #[inline]
    pub(in crate::otlp) fn raw(self, bytes: &[u8]) -> Self {
        let Some((place, rest)) = self.rest.split_at_mut_checked(bytes.len()) else {
            return Self::default();
        };
        place.copy_from_slice(bytes);
        Self { rest }
    }

    #[inline]
    pub(in crate::otlp) fn uint(self, field: u8, value: u64) -> Self {
        if value == 0 {
            return self;
        }
        self.uint_always(field, value)
    }

    /// Also writes zero, for a member of a `oneof`.
    #[inline(never)]
    pub(in crate::otlp) fn uint_always(self, field: u8, value: u64) -> Self {
        self.array([tag(field, VARINT)]).varint(value)
    }

    #[inline]
    pub(in crate::otlp) fn fixed64(self, field: u8, value: u64) -> Self {
        if value == 0 {
            return self;
        }
        self.fixed64_always(field, value)
    }

    /// Also writes zero, for a member of a `oneof`.
    #[inline]
    pub(in crate::otlp) fn fixed64_always(self, field: u8, value: u64) -> Self {
        self.chunk(|chunk: &mut [u8; 9]| {
            chunk[0] = tag(field, FIXED64);
            chunk[1..].copy_from_slice(&value.to_le_bytes());
            chunk.len()
        })
    }

    #[inline]
    pub(in crate::otlp) fn bytes(self, field: u8, value: &[u8]) -> Self {
        if value.is_empty() {
            return self;
        }
        self.bytes_always(field, value)
    }

    /// Also writes what is empty, for a member of a `oneof`.
    #[inline(never)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a short text's length has one byte"
    )]
    pub(in crate::otlp) fn bytes_always(self, field: u8, value: &[u8]) -> Self {
        if value.len() > SHORT_TEXT {
            let writer = self.array([tag(field, BYTES)]);
            return writer.varint(value.len() as u64).raw(value);
        }
        self.chunk(|chunk: &mut [u8; 2 + SHORT_TEXT]| {
            chunk[..2].copy_from_slice(&[tag(field, BYTES), value.len() as u8]);
            if let Some(place) = chunk[2..].first_chunk_mut() {
                copy_short(value, place);
            }
            2 + value.len()
        })
    }

    /// A message within the message, also if it is empty. It is expected to have so many bytes.
    ///
    /// The length stands before the content. It is left free as the length of what is expected; where that was wrong, the content is
    /// moved a little. That is cheaper than to measure first and write then.
    #[inline(always)]
    pub(in crate::otlp) fn message(
        self,
        field: u8,
        expected: usize,
        write: impl FnOnce(Writer<'_>) -> Writer<'_>,
    ) -> Self {
        let free = 1 + varint_len(expected);
        let room = self.rest;
        let Some(content) = room.get_mut(free..) else {
            return Self::default();
        };
        let all = content.len();
        let Some(left) = write(Writer::new(content)).left() else {
            return Self::default();
        };
        let length = all - left;
        let mut needed = free;
        if varint_len(length) != varint_len(expected) {
            needed = 1 + varint_len(length);
            if needed + length > room.len() {
                return Self::default();
            }
            move_content(room, free, needed, length);
        }
        let Some((head, rest)) = room.split_at_mut_checked(needed) else {
            return Self::default();
        };
        put_head(head, field, length);
        Self {
            rest: rest.get_mut(length..).unwrap_or_default(),
        }
    }

    /// Numbers of up to two bytes, such as lengths, without a loop.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven bits at a time are what is wanted"
    )]
    pub(in crate::otlp) fn varint(self, value: u64) -> Self {
        match value {
            ..0x80 => self.array([value as u8]),
            0x80..0x4000 => self.array([value as u8 | 0x80, (value >> 7) as u8]),
            _ => self.long_varint(value),
        }
    }

    #[inline(never)]
    fn long_varint(self, value: u64) -> Self {
        self.chunk(|chunk: &mut [u8; LONGEST_VARINT]| {
            let len = long_varint_len(value);
            put_varint(&mut chunk[..len], value);
            len
        })
    }
}

#[cold]
fn move_content(room: &mut [u8], from: usize, to: usize, length: usize) {
    room.copy_within(from..from + length, to);
}

/// Copies a text of up to [`SHORT_TEXT`] bytes; of a longer one nothing useful.
///
/// In at most two pieces that may overlap.
#[inline(always)]
pub(in crate::otlp) fn copy_short(from: &[u8], to: &mut [u8; SHORT_TEXT]) {
    let len = from.len();
    if let Some((first, last)) = ends::<32>(from) {
        to[..32].copy_from_slice(first);
        let at = (len - 32).min(32);
        to[at..at + 32].copy_from_slice(last);
    } else if let Some((first, last)) = ends::<16>(from) {
        to[..16].copy_from_slice(first);
        let at = (len - 16) & 15;
        to[at..at + 16].copy_from_slice(last);
    } else if let Some((first, last)) = ends::<8>(from) {
        to[..8].copy_from_slice(first);
        let at = (len - 8) & 7;
        to[at..at + 8].copy_from_slice(last);
    } else if let Some((first, last)) = ends::<4>(from) {
        to[..4].copy_from_slice(first);
        let at = (len - 4) & 3;
        to[at..at + 4].copy_from_slice(last);
    } else if let [first, .., last] = from {
        to[0] = *first;
        to[1] = from[1];
        to[(len - 1) & 3] = *last;
    } else if let [one] = from {
        to[0] = *one;
    }
}

#[inline(always)]
fn ends<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    Some((bytes.first_chunk()?, bytes.last_chunk()?))
}

/// The same for a text of a span: mostly there is something behind it, which is copied too.
#[inline(always)]
pub(in crate::otlp) fn copy_text(text: KeptText<'_>, to: &mut [u8; SHORT_TEXT]) {
    match text.chunk::<32>() {
        Some(chunk) if text.len() <= chunk.len() => to[..32].copy_from_slice(chunk),
        _ => copy_short(text.as_bytes(), to),
    }
}

/// The tag of a field below 16.
#[inline]
pub(in crate::otlp) const fn tag(field: u8, wire: u8) -> u8 {
    field << 3 | wire
}

/// How many bytes a length takes: seven bits in each.
#[inline]
pub(super) const fn varint_len(value: usize) -> usize {
    match value {
        ..0x80 => 1,
        0x80..0x4000 => 2,
        _ => long_varint_len(value as u64),
    }
}

const LONGEST_VARINT: usize = 10;

const fn long_varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// How many bytes a field takes that is a text or a message with so many.
#[inline]
pub(in crate::otlp) const fn len_of_bytes(len: usize) -> usize {
    1 + varint_len(len) + len
}

/// Writes tag and length of a message.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "seven bits at a time are what is wanted"
)]
pub(super) fn put_head(head: &mut [u8], field: u8, length: usize) {
    if let [to, low, high] = head {
        // The usual span.
        [*to, *low, *high] = [tag(field, BYTES), length as u8 | 0x80, (length >> 7) as u8];
    } else if let [to, place @ ..] = head {
        *to = tag(field, BYTES);
        put_varint(place, length as u64);
    }
}

/// Writes a number into as many bytes as it takes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seven bits at a time are what is wanted"
)]
fn put_varint(place: &mut [u8], mut value: u64) {
    if let Some((last, others)) = place.split_last_mut() {
        for byte in others {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        *last = value as u8;
    }
}
