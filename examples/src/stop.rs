//! The wish of an operator that the service ends.

use std::io;

use tokio::signal;

/// Ready at SIGTERM or ctrl-c, which from now on no longer end the process at once.
#[cfg(unix)]
pub fn asked_for() -> io::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ready at ctrl-c, which from now on no longer ends the process at once.
#[cfg(windows)]
pub fn asked_for() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
