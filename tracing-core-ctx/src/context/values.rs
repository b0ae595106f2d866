use std::any::{Any, TypeId};
use std::sync::Arc;

/// User values by type. A handful at most, so a list is faster than a map.
#[derive(Clone, Default)]
pub(super) struct Values(Vec<(TypeId, Arc<dyn Any + Send + Sync>)>);

impl Values {
    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let wanted = TypeId::of::<T>();
        let (_, value) = self.0.iter().find(|(id, _)| *id == wanted)?;
        value.downcast_ref()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set<T: Send + Sync + 'static>(&mut self, value: T) {
        let wanted = TypeId::of::<T>();
        self.0.retain(|(id, _)| *id != wanted);
        self.0.push((wanted, Arc::new(value)));
    }
}
