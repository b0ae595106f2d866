//! The services of the shop: one file each, as if each were a program of its own. They know each other by address only.
//!
//! ```text
//!                        +--> auth                       plain hyper, no router
//!   you --> gateway -----+
//!           axum,        +--> orders --+--> inventory    tonic's routes in an axum router, beside nested ones
//!           reqwest           axum,    |
//!                             tonic    +--> payment -----> fraud
//!                               :           tonic,         plain hyper
//!                               :           plain hyper
//!                               :             :
//!                               v Kafka       v Kafka
//!   notifications <-------------+------> analytics         in batches
//!         :
//!         v AMQP           rejected
//!       email  - - - - - - - - - -> postmaster
//! ```

mod analytics;
mod auth;
mod email;
mod fraud;
mod gateway;
mod inventory;
mod listen;
mod notifications;
mod orders;
mod payment;
mod postmaster;

use std::net::SocketAddr;
use std::time::Duration;

use tracing_core_ctx::Tracer;

use crate::brokers::{BoxError, Brokers};

/// Their names, from the outermost inwards.
pub(crate) const NAMES: [&str; 10] = [
    "gateway",
    "auth",
    "orders",
    "inventory",
    "payment",
    "fraud",
    "notifications",
    "email",
    "postmaster",
    "analytics",
];

/// Opens the shop on free ports of the loopback interface, and says where its gateway is. Each service has the tracer that
/// `tracer` makes for its name.
pub(crate) async fn open(
    brokers: &Brokers,
    mut tracer: impl FnMut(&str) -> Result<Tracer, BoxError>,
) -> Result<SocketAddr, BoxError> {
    postmaster::open(tracer("postmaster")?, brokers).await?;
    email::open(tracer("email")?, brokers).await?;
    notifications::open(tracer("notifications")?, brokers).await?;
    analytics::open(tracer("analytics")?, brokers).await?;
    let fraud = fraud::open(tracer("fraud")?).await?;
    let payment = payment::open(tracer("payment")?, fraud, brokers).await?;
    let inventory = inventory::open(tracer("inventory")?).await?;
    let orders = orders::open(tracer("orders")?, inventory, payment, brokers).await?;
    let auth = auth::open(tracer("auth")?).await?;
    let upstream = gateway::Upstream {
        auth,
        inventory,
        orders,
    };
    Ok(gateway::open(tracer("gateway")?, upstream).await?)
}

/// Stands for work: a disk, a database, a model.
async fn work(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests;
