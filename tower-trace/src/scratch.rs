//! Short texts that are put together on the request's own thread: names, addresses, URLs.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::{Deref, DerefMut};

thread_local! {
    static BUFFERS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Buffers a thread keeps, and how large one may be to be kept.
const KEPT: usize = 4;
const KEPT_CAPACITY: usize = 4096;

/// A text that is put together in a buffer of this thread, so that it takes no memory from the allocator.
#[derive(Debug)]
pub(crate) struct Text(String);

impl Text {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let taken = BUFFERS.try_with(|buffers| buffers.try_borrow_mut().ok()?.pop());
        Self(
            taken
                .ok()
                .flatten()
                .unwrap_or_else(|| String::with_capacity(256)),
        )
    }
}

impl Deref for Text {
    type Target = String;

    fn deref(&self) -> &String {
        &self.0
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.0
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if self.0.capacity() > KEPT_CAPACITY {
            return;
        }
        let mut buffer = mem::take(&mut self.0);
        buffer.clear();
        let _ = BUFFERS.try_with(|buffers| {
            if let Ok(mut buffers) = buffers.try_borrow_mut()
                && buffers.len() < KEPT
            {
                buffers.push(buffer);
            }
        });
    }
}

/// Lends an empty text.
pub(crate) fn with<R>(use_it: impl FnOnce(&mut String) -> R) -> R {
    use_it(&mut Text::new())
}

/// Shows the text of an address to `use_it`.
pub(crate) fn with_ip<R>(address: IpAddr, use_it: impl FnOnce(&str) -> R) -> R {
    with(|text| {
        match address.to_canonical() {
            IpAddr::V4(address) => push_ipv4(address, text),
            IpAddr::V6(address) => {
                // Writing to a string does not fail.
                let _ = write!(text, "{address}");
            }
        }
        use_it(text)
    })
}

/// What `Display` writes, without the machinery of formatting: every server span has an address or two.
fn push_ipv4(address: Ipv4Addr, text: &mut String) {
    for (position, octet) in address.octets().into_iter().enumerate() {
        if position > 0 {
            text.push('.');
        }
        let digit = |value: u8| char::from(b'0' + value % 10);
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
}

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
