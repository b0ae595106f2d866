//! What many spans of a request say alike, as the bytes that were written for one of them.

use tracing_core_ctx::attribute::{Attributes, TemplatePart};

use super::super::protobuf::{Output, Writer};
use super::attributes::attributes_at;
use super::names::{Key, Names};

/// The attributes of templates that came more than once.
pub(super) struct Templates {
    known: [Known; Self::SLOTS],
    bytes: Vec<u8>,
}

/// Of one template: where its bytes are. Nowhere yet, where it came once.
#[derive(Clone, Copy)]
struct Known {
    template: u64,
    start: usize,
    end: usize,
}

impl Known {
    const NONE: Self = Self {
        template: 0,
        start: 0,
        end: 0,
    };
}

impl Templates {
    /// A power of two: by the lower bits of a template's number, so that those that were made one after the other are not in each other's way.
    const SLOTS: usize = 64;

    /// Bytes of all together, when no more are kept.
    const MOST: usize = 64 << 10;

    pub(super) const fn new() -> Self {
        Self {
            known: [Known::NONE; Self::SLOTS],
            bytes: Vec::new(),
        }
    }

    /// Writes the attributes of a span.
    #[inline(always)]
    pub(super) fn attributes<'a>(
        &mut self,
        writer: Writer<'a>,
        names: &mut Names,
        of: &Attributes,
    ) -> Writer<'a> {
        let (writer, from) = match of.template_part() {
            None => (writer, 0),
            Some(part) => match self.find(names, of, part) {
                None => (writer, 0),
                Some(bytes) => (writer.raw(bytes), part.len),
            },
        };
        attributes_at::<{ Key::TAG }>(writer, names, of, from..of.len())
    }

    /// The bytes of the template's part, if they are known.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the number of a slot is small"
    )]
    fn find(&mut self, names: &mut Names, of: &Attributes, part: TemplatePart) -> Option<&[u8]> {
        let template = part.template.get();
        let slot = (template % Self::SLOTS as u64) as usize;
        let known = self.known[slot];
        if known.template != template || known.end == 0 {
            self.meet(names, of, part, slot);
            return None;
        }
        self.bytes.get(known.start..known.end)
    }

    /// Remembers a template that comes for the first time, and writes one that comes for the second.
    #[inline(never)]
    fn meet(&mut self, names: &mut Names, of: &Attributes, part: TemplatePart, slot: usize) {
        let template = part.template.get();
        let known = &mut self.known[slot];
        if known.template != template {
            *known = Known {
                template,
                ..Known::NONE
            };
            return;
        }
        if self.bytes.len() > Self::MOST {
            return;
        }
        let mut output = Output::with_capacity(0);
        output.write(|writer| attributes_at::<{ Key::TAG }>(writer, names, of, 0..part.len));
        known.start = self.bytes.len();
        self.bytes.extend(output.into_bytes());
        known.end = self.bytes.len();
    }
}
