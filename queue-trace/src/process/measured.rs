#[cfg(any(feature = "amqp", feature = "kafka"))]
use crate::observe::Watch;
use tracing_core_ctx::Timestamp;

/// Who [observes](crate::QueueTracer::observe) a message that a service handles, and is to be told of the end: nobody, but of the messages of the modules `amqp`
/// and `kafka`.
#[derive(Debug, Default)]
pub struct Measured {
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    watch: Watch,
}

impl Measured {
    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(crate) const fn by(watch: Watch) -> Self {
        Self { watch }
    }

    #[cfg(any(feature = "amqp", feature = "kafka"))]
    pub(super) fn end(&mut self, error_type: Option<&str>) -> Option<Timestamp> {
        self.watch.end(error_type)
    }

    #[cfg(not(any(feature = "amqp", feature = "kafka")))]
    #[expect(clippy::unused_self, reason = "nobody observes without these features")]
    pub(super) const fn end(&self, _: Option<&str>) -> Option<Timestamp> {
        None
    }
}
