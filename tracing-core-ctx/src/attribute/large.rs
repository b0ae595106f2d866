use super::Value;

/// Values that do not fit into an entry: lists and bytes. One word as long as there is none.
#[derive(Clone, Default)]
pub(super) struct Large {
    #[expect(clippy::box_collection, reason = "one word: there is hardly ever one")]
    values: Option<Box<Vec<Value>>>,
}

impl Large {
    pub(super) const fn new() -> Self {
        Self { values: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.as_ref().is_none_or(|values| values.is_empty())
    }

    /// Keeps a value and says where, if positions last.
    pub(super) fn push(&mut self, value: Value) -> Option<u32> {
        let values = self.values.get_or_insert_default();
        let position = u32::try_from(values.len()).ok()?;
        values.push(value);
        Some(position)
    }

    pub(super) fn get(&self, position: u32) -> Option<&Value> {
        self.values.as_ref()?.get(position as usize)
    }

    /// Takes a value out. The last one takes the place that becomes free: says where that was.
    pub(super) fn free(&mut self, position: u32) -> Option<u32> {
        let values = self.values.as_mut()?;
        if position as usize >= values.len() {
            return None;
        }
        values.swap_remove(position as usize);
        u32::try_from(values.len()).ok()
    }

    pub(super) fn clear(&mut self) {
        if let Some(values) = &mut self.values {
            values.clear();
        }
    }

    /// Bytes on the heap, roughly.
    #[inline]
    pub(super) fn weight(&self) -> usize {
        let weights = |values: &Vec<Value>| values.iter().map(|value| 64 + value.weight()).sum();
        self.values.as_deref().map_or(0, weights)
    }
}
