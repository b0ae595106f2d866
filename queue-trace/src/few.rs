use std::sync::OnceLock;

/// A few things that are made when they are first wanted and stay: found by a look at one after the other, without a lock.
#[derive(Debug)]
pub(crate) struct Few<T>([OnceLock<T>; MOST]);

/// What is wanted beyond that is made each time anew, by who wants it.
const MOST: usize = 16;

impl<T> Few<T> {
    /// Where the one is that `is_it`, made if it is not there; `None` if there is no room for it.
    #[inline]
    pub(crate) fn position(
        &self,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Option<usize> {
        let mut make = Some(make);
        for (position, place) in self.0.iter().enumerate() {
            let it = match place.get() {
                Some(it) => it,
                // Another thread may be first, with another one.
                None => place.get_or_init(make.take()?),
            };
            if is_it(it) {
                return Some(position);
            }
        }
        None
    }

    /// Where the one is that `is_it`, if it is there.
    #[inline]
    pub(crate) fn find(&self, is_it: impl Fn(&T) -> bool) -> Option<usize> {
        let made = self.0.iter().map_while(OnceLock::get);
        made.into_iter().position(is_it)
    }

    /// The one at a [`position`](Self::position).
    #[inline]
    pub(crate) fn get(&self, position: usize) -> Option<&T> {
        self.0.get(position)?.get()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self([const { OnceLock::new() }; MOST])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_found_again_until_there_is_no_room() {
        let few = Few::default();
        for _ in 0..2 {
            for number in 0..MOST {
                let position = few.position(|it| *it == number, || number);
                assert_eq!(
                    position.and_then(|position| few.get(position)),
                    Some(&number)
                );
            }
        }
        assert_eq!(few.position(|it| *it == MOST, || MOST), None);
        assert_eq!(few.find(|it| *it == 3), Some(3));
        assert_eq!(few.find(|it| *it == MOST), None);
    }
}
