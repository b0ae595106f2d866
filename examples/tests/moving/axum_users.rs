//! What the users of axum and `tracing` wrote.

use axum::extract::Path;

#[tracing::instrument]
pub(crate) async fn order(Path(id): Path<u64>) -> String {
    let total = price(id).await;
    tracing::info!(total, "priced");
    total.to_string()
}

#[tracing::instrument(level = "info", fields(shop.items = 3))]
async fn price(id: u64) -> u64 {
    tokio::task::yield_now().await;
    id * 3
}
