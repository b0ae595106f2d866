use std::fmt;
use std::sync::Mutex;

use triomphe::Arc;

use super::keys::Keys;
use crate::pool::{Pool, Shelf, Spare};

/// The text of a list, in a buffer that goes back to a pool: a traced request that carries `tracestate` takes no memory from the
/// allocator. The empty text has no buffer.
#[derive(Clone, Default)]
pub(super) struct Shared(Option<Arc<List>>);

#[derive(Default)]
struct List {
    /// ASCII. As bytes, so that nobody has to prove it before somebody asks for text.
    text: Vec<u8>,
    keys: Keys,
}

impl Shared {
    pub(super) const EMPTY: Self = Self(None);

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether both are one and the same buffer, or none: mostly that is all there is to ask. And to compare nothing with nothing is not
    /// nothing: a vectorised `memcmp` reads none of the bytes from an address that there is not, which some processors take 200 cycles for.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |list| &list.text)
    }

    pub(super) fn keys(&self) -> Keys {
        self.0.as_ref().map_or(Keys::NONE, |list| list.keys)
    }

    /// Adds a member. Only called before the text is shared.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let Some(list) = Arc::get_mut(self.0.get_or_insert_with(take)) else {
            return;
        };
        if list.text.is_empty() {
            list.text.reserve(RESERVED);
        } else {
            list.text.push(b',');
        }
        list.text.extend_from_slice(key);
        list.text.push(b'=');
        list.text.extend_from_slice(value);
        list.keys.add(key);
    }

    /// Takes a whole list, with these keys.
    pub(super) fn new(text: &[u8], keys: Keys) -> Self {
        let mut shared = take();
        if let Some(list) = Arc::get_mut(&mut shared) {
            if list.text.capacity() < RESERVED {
                list.text.reserve(RESERVED);
            }
            list.text.extend_from_slice(text);
            list.keys = keys;
        }
        Self(Some(shared))
    }
}

impl Drop for Shared {
    #[inline]
    fn drop(&mut self) {
        if let Some(list) = self.0.take() {
            release(list);
        }
    }
}

#[inline(never)]
fn release(mut shared: Arc<List>) {
    let Some(list) = Arc::get_mut(&mut shared) else {
        return;
    };
    if list.text.capacity() > POOLED_CAPACITY {
        return;
    }
    list.text.clear();
    list.keys = Keys::NONE;
    POOL.give(shared);
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

thread_local! {
    static SHELF: Shelf<Arc<List>> = const { Shelf::new() };
}
static SPARE: Spare<Arc<List>> = Mutex::new(Vec::new());
const POOL: Pool<Arc<List>> = Pool {
    shelf: &SHELF,
    spare: &SPARE,
};

/// How large a buffer may be to be kept.
const POOLED_CAPACITY: usize = 1024;

/// What a new buffer has room for.
const RESERVED: usize = 128;

/// An empty buffer.
fn take() -> Arc<List> {
    POOL.take_or(Arc::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_freed_by_another_thread_come_back() {
        let in_use: Vec<Shared> = (0..1000)
            .map(|_| {
                let mut text = Shared::EMPTY;
                text.push(b"a", b"1");
                text
            })
            .collect();
        std::thread::spawn(move || drop(in_use)).join().unwrap();
        let again = take();
        assert!(again.text.is_empty());
        assert_eq!(again.keys, Keys::NONE);
        assert!(again.text.capacity() > 0);
    }

    #[test]
    fn a_huge_buffer_is_given_back() {
        let mut huge = Shared::EMPTY;
        huge.push(b"a", &[b'x'; POOLED_CAPACITY + 1]);
        drop(huge);
        // More than a thread keeps.
        let mut again = (0..1000).map(|_| take());
        assert!(again.all(|list| list.text.capacity() <= POOLED_CAPACITY));
    }
}
