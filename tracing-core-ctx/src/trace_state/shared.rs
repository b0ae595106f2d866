use std::sync::Mutex;
use std::{fmt, mem, ptr};

use triomphe::Arc;

use super::constant;
use super::keys::Keys;
use crate::pool::{Pool, Shelf, Spare};

/// The text of a list, in a buffer that goes back to a pool: a traced request that carries `tracestate` takes no memory from the
/// allocator. The empty text has no buffer.
#[derive(Clone, Default)]
pub(super) struct Shared(Is);

#[derive(Clone, Default)]
enum Is {
    #[default]
    Empty,
    Counted(Arc<List>),
    /// Comes so often that it stays, and nobody has to count who has it.
    Constant(&'static List),
}

#[derive(Default)]
pub(super) struct List {
    /// ASCII. As bytes, so that nobody has to prove it before somebody asks for text.
    pub(super) text: Vec<u8>,
    pub(super) keys: Keys,
}

impl Shared {
    pub(super) const EMPTY: Self = Self(Is::Empty);

    pub(super) const fn is_empty(&self) -> bool {
        matches!(self.0, Is::Empty)
    }

    /// Whether both are one and the same buffer, or none: mostly that is all there is to ask. And to compare nothing with nothing is not
    /// nothing: a vectorised `memcmp` reads none of the bytes from an address that there is not, which some processors take 200 cycles for.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Is::Empty, Is::Empty) => true,
            (Is::Counted(one), Is::Counted(other)) => Arc::ptr_eq(one, other),
            (Is::Constant(one), Is::Constant(other)) => ptr::eq(*one, *other),
            _ => false,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.list().map_or(&[], |list| &list.text)
    }

    pub(super) fn keys(&self) -> Keys {
        self.list().map_or(Keys::NONE, |list| list.keys)
    }

    #[inline]
    fn list(&self) -> Option<&List> {
        match &self.0 {
            Is::Empty => None,
            Is::Counted(list) => Some(list),
            Is::Constant(list) => Some(list),
        }
    }

    /// The same without a count, if there are not too many of those.
    #[cold]
    pub(super) fn into_constant(self) -> Self {
        match &self.0 {
            Is::Counted(list) => constant::LISTS
                .of(&list.text, list.keys)
                .map_or(self, |list| Self(Is::Constant(list))),
            Is::Empty | Is::Constant(_) => self,
        }
    }

    /// Adds a member. Only called before the text is shared.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        if self.is_empty() {
            self.0 = Is::Counted(take());
        }
        let Is::Counted(list) = &mut self.0 else {
            return;
        };
        let Some(list) = Arc::get_mut(list) else {
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
        Self(Is::Counted(shared))
    }
}

impl Drop for Shared {
    #[inline]
    fn drop(&mut self) {
        if let Is::Counted(list) = mem::take(&mut self.0) {
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
static POOL: Pool<Arc<List>> = Pool {
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
