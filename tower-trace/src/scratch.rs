//! Short texts that are put together on the request's own thread: names, addresses, URLs.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::net::IpAddr;

thread_local! {
    static BUFFERS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Buffers a thread keeps, and how large one may be to be kept.
const KEPT: usize = 4;
const KEPT_CAPACITY: usize = 4096;

/// Lends an empty buffer of this thread, so that putting a text together takes no memory from the allocator.
pub(crate) fn with<R>(use_it: impl FnOnce(&mut String) -> R) -> R {
    let taken = BUFFERS.try_with(|buffers| buffers.try_borrow_mut().ok()?.pop());
    let mut buffer = taken.ok().flatten().unwrap_or_else(|| String::with_capacity(256));
    let result = use_it(&mut buffer);
    if buffer.capacity() <= KEPT_CAPACITY {
        buffer.clear();
        let _ = BUFFERS.try_with(|buffers| {
            if let Ok(mut buffers) = buffers.try_borrow_mut()
                && buffers.len() < KEPT
            {
                buffers.push(buffer);
            }
        });
    }
    result
}

/// Shows the text of an address to `use_it`.
pub(crate) fn with_ip<R>(address: IpAddr, use_it: impl FnOnce(&str) -> R) -> R {
    with(|text| {
        let _ = write!(text, "{}", address.to_canonical());
        use_it(text)
    })
}
