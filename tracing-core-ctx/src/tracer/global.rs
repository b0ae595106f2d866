use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Tracer;
use crate::diagnostics;

static GLOBAL: OnceLock<Tracer> = OnceLock::new();
static NONE: OnceLock<Tracer> = OnceLock::new();
static MISSED: AtomicBool = AtomicBool::new(false);

impl Tracer {
    /// The tracer of this program. Until one is installed it records nothing, which is said once.
    #[must_use]
    pub fn global() -> Self {
        if let Some(tracer) = GLOBAL.get() {
            return tracer.clone();
        }
        // A flag and not `report_once`, which takes a lock at each call.
        if !MISSED.load(Ordering::Relaxed) && !MISSED.swap(true, Ordering::Relaxed) {
            diagnostics::report(
                diagnostics::Level::Warn,
                format_args!(
                    "the global tracer is used before one was installed: nothing is recorded"
                ),
            );
        }
        NONE.get_or_init(Self::noop).clone()
    }

    /// Makes this the tracer of the program, for good.
    ///
    /// # Errors
    ///
    /// When there is one already.
    pub fn install_global(&self) -> Result<(), AlreadyInstalled> {
        GLOBAL.set(self.clone()).map_err(|_| AlreadyInstalled(()))
    }
}

/// The program has a global tracer already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled(());

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a global tracer is installed already")
    }
}

impl std::error::Error for AlreadyInstalled {}
