//! Short texts that are put together on the request's own thread: names, addresses, URLs.

use std::cell::Cell;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::{Deref, DerefMut};

thread_local! {
    static BUFFERS: [Cell<Option<Box<Buffer>>>; KEPT] = const { [const { Cell::new(None) }; KEPT] };
}

/// Buffers a thread keeps, and how large one may be to be kept.
const KEPT: usize = 4;
const KEPT_CAPACITY: usize = 4096;

/// Boxed, so that lending one moves a pointer.
#[derive(Debug)]
struct Buffer(String);

/// A text that is put together in a buffer of this thread, so that it takes no memory from the allocator.
#[derive(Debug)]
pub(crate) struct Text(Option<Box<Buffer>>);

impl Text {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let taken = BUFFERS.try_with(|buffers| buffers.iter().find_map(Cell::take));
        Self(taken.unwrap_or_default())
    }
}

impl Deref for Text {
    type Target = String;

    fn deref(&self) -> &String {
        static EMPTY: String = String::new();
        match &self.0 {
            Some(buffer) => &buffer.0,
            None => &EMPTY,
        }
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.0.get_or_insert_with(new_buffer).0
    }
}

#[cold]
fn new_buffer() -> Box<Buffer> {
    Box::new(Buffer(String::with_capacity(256)))
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.capacity() > KEPT_CAPACITY {
            return;
        }
        let mut buffer = self.0.take();
        if let Some(buffer) = &mut buffer {
            buffer.0.clear();
        }
        let _ = BUFFERS.try_with(|buffers| {
            // Into the first place that is empty.
            for place in buffers {
                buffer = place.replace(buffer.take());
                if buffer.is_none() {
                    break;
                }
            }
        });
    }
}

/// Lends an empty text.
pub(crate) fn with<R>(use_it: impl FnOnce(&mut String) -> R) -> R {
    use_it(&mut Text::new())
}

/// Shows the text of an address to `use_it`.
pub fn with_ip<R>(address: IpAddr, use_it: impl FnOnce(&str) -> R) -> R {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mut text = Ipv4Text::default();
            use_it(text.of(address))
        }
        IpAddr::V6(address) => with(|text| {
            // Writing to a string does not fail.
            let _ = write!(text, "{address}");
            use_it(text)
        }),
    }
}

/// Room for the text of an address, without the machinery of formatting: every server span has an address or two. Aligned, and all of it
/// ASCII, so that it is known for text at a glance.
#[repr(align(8))]
struct Ipv4Text([u8; 16]);

impl Default for Ipv4Text {
    fn default() -> Self {
        Self([b'.'; 16])
    }
}

impl Ipv4Text {
    fn of(&mut self, address: Ipv4Addr) -> &str {
        let mut length = 0;
        for octet in address.octets() {
            let (digits, count) = OCTETS[usize::from(octet)];
            if let Some(place) = self.0.get_mut(length..length + 4) {
                place.copy_from_slice(&digits);
            }
            length += usize::from(count) + 1;
        }
        // Without the point behind the last one.
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        text.get(..length - 1).unwrap_or_default()
    }
}

/// The digits of each octet with points behind them, and how many digits they are.
static OCTETS: [([u8; 4], u8); 256] = {
    let mut table = [([b'.'; 4], 0); 256];
    let mut octet = 0u8;
    loop {
        let (hundreds, tens, ones) = (
            b'0' + octet / 100,
            b'0' + octet / 10 % 10,
            b'0' + octet % 10,
        );
        table[octet as usize] = match octet {
            100.. => ([hundreds, tens, ones, b'.'], 3),
            10.. => ([tens, ones, b'.', b'.'], 2),
            _ => ([ones, b'.', b'.', b'.'], 1),
        };
        if octet == u8::MAX {
            break table;
        }
        octet += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        let octets = [0, 1, 9, 10, 42, 99, 100, 109, 110, 199, 200, 255];
        for (first, second) in octets
            .iter()
            .flat_map(|first| octets.map(|second| (*first, second)))
        {
            let address = Ipv4Addr::new(first, second, 7, second);
            with_ip(address.into(), |text| assert_eq!(text, address.to_string()));
            with_ip(address.to_ipv6_mapped().into(), |text| {
                assert_eq!(text, address.to_string());
            });
        }
        let address = "2001:db8::7".parse().unwrap();
        with_ip(address, |text| assert_eq!(text, "2001:db8::7"));
    }
}
