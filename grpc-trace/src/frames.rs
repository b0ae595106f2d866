//! The messages in a body: each has a prefix of five bytes, a flag and its length, and none cares where DATA frames begin.

/// Reads the prefixes of messages as bytes pass, and keeps none of the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct FrameReader {
    prefix: [u8; PREFIX],
    /// How much of the prefix is there.
    have: usize,
    /// How much of the message is still to come.
    left: u32,
    /// After something that is no message nothing can be read any more.
    lost: bool,
}

const PREFIX: usize = 5;

/// A message that has passed in whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) compressed: bool,
    /// In bytes, as it is on the wire and without its prefix.
    pub(crate) size: u32,
}

impl FrameReader {
    /// Looks at bytes that pass, and shows every message that is complete with them.
    pub(crate) fn read(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Message)) {
        while !self.lost && !bytes.is_empty() {
            if self.have < PREFIX {
                let (now, later) = bytes.split_at(bytes.len().min(PREFIX - self.have));
                for byte in now {
                    self.prefix[self.have] = *byte;
                    self.have += 1;
                }
                bytes = later;
                if self.have < PREFIX {
                    return;
                }
                self.lost = self.prefix[0] > 1;
                self.left = self.size();
            } else {
                let passed = bytes
                    .len()
                    .min(usize::try_from(self.left).unwrap_or(usize::MAX));
                bytes = &bytes[passed..];
                self.left -= u32::try_from(passed).unwrap_or(self.left);
            }
            if self.left == 0 && !self.lost {
                self.have = 0;
                seen(Message {
                    compressed: self.prefix[0] == 1,
                    size: self.size(),
                });
            }
        }
    }

    /// Bytes passed that nobody could see.
    pub(crate) const fn lose(&mut self) {
        self.lost = true;
    }

    const fn size(&self) -> u32 {
        let [_, a, b, c, d] = self.prefix;
        u32::from_be_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests;
