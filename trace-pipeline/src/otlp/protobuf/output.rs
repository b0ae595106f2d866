use super::writer::{Writer, put_head, varint_len};

/// A message that grows while it is written.
#[derive(Debug)]
pub(in crate::otlp) struct Output {
    /// What is written, and behind it room that is ready.
    bytes: Vec<u8>,
    end: usize,
    /// What is written at once is not expected to be longer.
    longest: usize,
}

/// How many bytes are made ready at once. In pieces of this size that costs least.
const STEP: usize = 2000;

/// A message within the message that is being written.
#[derive(Debug)]
#[must_use]
pub(in crate::otlp) struct Open {
    field: u8,
    /// Where its tag stands.
    start: usize,
    /// Bytes that are free for the tag and the length.
    free: usize,
}

impl Output {
    pub(in crate::otlp) fn with_capacity(bytes: usize) -> Self {
        Self::in_memory_of(Vec::new(), bytes)
    }

    /// In the memory of an earlier message, if that is enough.
    pub(in crate::otlp) fn in_memory_of(mut earlier: Vec<u8>, bytes: usize) -> Self {
        earlier.clear();
        earlier.reserve(bytes);
        Self {
            bytes: earlier,
            end: 0,
            longest: STEP / 2,
        }
    }

    pub(in crate::otlp) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes
    }

    /// Adds what `write` writes, which is called again with more room where there was not enough.
    pub(in crate::otlp) fn write(&mut self, mut write: impl FnMut(Writer<'_>) -> Writer<'_>) {
        self.write_each([()], |writer, ()| write(writer));
    }

    /// The same for each of the items.
    #[inline(always)]
    pub(in crate::otlp) fn write_each<T: Copy>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(Writer<'_>, T) -> Writer<'_>,
    ) {
        let mut items = items.into_iter();
        let mut again = None;
        loop {
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            let all = room.len();
            let mut writer = Writer::new(room);
            let mut left = all;
            while left >= self.longest {
                let Some(item) = again.take().or_else(|| items.next()) else {
                    self.end += all - left;
                    return;
                };
                writer = write(writer, item);
                let Some(still) = writer.left() else {
                    again = Some(item);
                    self.longest *= 2;
                    break;
                };
                left = still;
            }
            self.end += all - left;
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.bytes
            .resize(self.bytes.len() + STEP.max(self.longest), 0);
    }

    /// Begins a message within the message, which is expected to have so many bytes.
    ///
    /// The length stands before the content. It is left free as the length of what is expected; where that was wrong, the content is
    /// moved a little.
    pub(in crate::otlp) fn open(&mut self, field: u8, expected: usize) -> Open {
        let (start, free) = (self.end, 1 + varint_len(expected));
        self.end += free;
        if self.bytes.len() < self.end {
            self.grow();
        }
        Open { field, start, free }
    }

    /// Ends a message within the message.
    pub(in crate::otlp) fn close(&mut self, Open { field, start, free }: Open) {
        let content = start + free;
        let length = self.end - content;
        let needed = 1 + varint_len(length);
        let end = start + needed + length;
        if needed != free {
            if self.bytes.len() < end {
                self.bytes.resize(end, 0);
            }
            self.bytes.copy_within(content..self.end, start + needed);
            self.end = end;
        }
        if let Some(head) = self.bytes.get_mut(start..start + needed) {
            put_head(head, field, length);
        }
    }
}
