use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, thread};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::routing::get;
use tokio::net::TcpListener;

use super::middleware::{Middleware, Traced};
use crate::Error;
use crate::exchange::ORDERS;
use crate::request::ROUTE;

static SERVED: AtomicU64 = AtomicU64::new(0);

/// An axum server on one thread, whose spans go to `receiver`, an address.
///
/// It writes its address as the first line. To each line it reads it sends the spans that it still has, and then answers with the requests that
/// it has served, and what its middleware says about lost spans. It ends with its input.
///
/// # Errors
///
/// When it cannot listen, or the middleware cannot be set up.
pub fn serve(middleware: &Middleware, receiver: &str) -> Result<(), Error> {
    let app = Router::new().route(ROUTE, get(orders));
    let Traced { app, mut flush } = middleware.wrap(app, receiver)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        thread::spawn(move || answer(&address.to_string(), &mut *flush));
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await?;
        Ok(())
    })
}

async fn orders(Path(_user): Path<u64>) -> ([(HeaderName, &'static str); 1], &'static [u8]) {
    SERVED.fetch_add(1, Ordering::Relaxed);
    ([(header::CONTENT_TYPE, "application/json")], ORDERS)
}

/// Leaves the process when nobody asks any more.
fn answer(address: &str, flush: &mut dyn FnMut() -> String) {
    let mut out = io::stdout();
    let mut said = writeln!(out, "{address}");
    for line in io::stdin().lines() {
        if line.is_err() || said.is_err() {
            break;
        }
        let lost = flush();
        said = writeln!(out, "{}\t{lost}", SERVED.load(Ordering::Relaxed));
    }
    std::process::exit(0);
}
