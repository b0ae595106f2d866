//! The services of the shop: one file each, as if each were a program of its own. They know each other by address only.
//!
//! ```text
//!                        +--> auth                       plain hyper, no router
//!   you --> gateway -----+
//!           axum,        +--> orders --+--> inventory    tonic's routes in an axum router, beside nested ones
//!           reqwest           axum,    |
//!                             tonic    +--> payment -----> fraud
//!                                           tonic,         plain hyper
//!                                           plain hyper
//! ```

mod auth;
mod fraud;
mod gateway;
mod inventory;
mod listen;
mod orders;
mod payment;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tracing_core_ctx::Tracer;

/// Their names, from the outermost inwards.
pub(crate) const NAMES: [&str; 6] = ["gateway", "auth", "orders", "inventory", "payment", "fraud"];

/// Opens the shop on free ports of the loopback interface, and says where its gateway is. Each service has the tracer that
/// `tracer` makes for its name.
pub(crate) async fn open<E: From<io::Error>>(
    mut tracer: impl FnMut(&str) -> Result<Tracer, E>,
) -> Result<SocketAddr, E> {
    let fraud = fraud::open(tracer("fraud")?).await?;
    let payment = payment::open(tracer("payment")?, fraud).await?;
    let inventory = inventory::open(tracer("inventory")?).await?;
    let orders = orders::open(tracer("orders")?, inventory, payment).await?;
    let auth = auth::open(tracer("auth")?).await?;
    let gateway = gateway::open(
        tracer("gateway")?,
        gateway::Upstream {
            auth,
            inventory,
            orders,
        },
    )
    .await?;
    Ok(gateway)
}

/// Stands for work: a disk, a database, a model.
async fn work(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests;
