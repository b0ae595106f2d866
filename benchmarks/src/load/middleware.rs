use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http_body_util::BodyExt;
use tower::util::MapResponseLayer;
use tower_trace::TraceLayer;
use trace_pipeline::Pipeline;
use trace_pipeline::otlp::OtlpConfig;

use crate::Error;
use crate::server::Decision;
use crate::subject::Entry;

/// What stands around the server's routes.
pub struct Middleware {
    name: &'static str,
    packages: &'static [&'static str],
    wrap: fn(Router, &str) -> Result<Traced, Error>,
}

/// Routes with a middleware around them.
pub(crate) struct Traced {
    pub(crate) app: Router,
    /// Sends the spans that are still here, and says which were lost, if that can be known.
    pub(crate) flush: Box<dyn FnMut() -> String + Send>,
}

/// All that can be measured: without tracing, ours, and peers. The first is bare.
pub fn middlewares() -> impl Iterator<Item = &'static Middleware> {
    [Middleware::BARE, Middleware::EMPTY, Middleware::OURS]
        .into_iter()
        .chain(super::peers::MIDDLEWARES)
}

impl Middleware {
    /// No middleware at all.
    pub const BARE: &'static Self = &Self {
        name: "bare",
        packages: &[],
        wrap: bare,
    };
    /// A layer that changes the type of the body and does nothing: what axum takes for any layer.
    pub const EMPTY: &'static Self = &Self {
        name: "empty layer",
        packages: &[],
        wrap: empty,
    };
    /// `TraceLayer` with a pipeline to the receiver.
    pub const OURS: &'static Self = &Self {
        name: "tower-trace",
        packages: &["tower_trace", "tracing_core_ctx", "trace_pipeline"],
        wrap: ours,
    };

    /// One of those that the comparison knows.
    pub(super) const fn peer(
        entry: &'static Entry<Decision>,
        wrap: fn(Router, &str) -> Result<Traced, Error>,
    ) -> Self {
        Self {
            name: entry.name,
            packages: entry.packages,
            wrap,
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        middlewares().find(|middleware| middleware.name == name)
    }

    /// As it is called in tables, and on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it makes a span for each request.
    #[must_use]
    pub const fn traces(&self) -> bool {
        !self.packages.is_empty()
    }

    /// The crates that it consists of, as this crate's code calls them.
    #[must_use]
    pub const fn packages(&self) -> &'static [&'static str] {
        self.packages
    }

    pub(crate) fn wrap(&self, app: Router, receiver: &str) -> Result<Traced, Error> {
        (self.wrap)(app, receiver)
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Middleware({})", self.name)
    }
}

fn bare(app: Router, _receiver: &str) -> Result<Traced, Error> {
    Ok(Traced {
        app,
        flush: Box::new(String::new),
    })
}

fn empty(app: Router, _receiver: &str) -> Result<Traced, Error> {
    let layer = MapResponseLayer::new(|response: Response| {
        response.map(|body| BodyExt::map_err(body, |error| error))
    });
    Ok(Traced {
        app: app.layer(layer),
        flush: Box::new(String::new),
    })
}

fn ours(app: Router, receiver: &str) -> Result<Traced, Error> {
    let pipeline = Pipeline::builder()
        .service("orders")
        .otlp(OtlpConfig::http().endpoint(format!("http://{receiver}")))
        .build()?;
    let layer = TraceLayer::for_axum(pipeline.tracer().clone());
    Ok(Traced {
        app: app.layer(layer),
        flush: Box::new(move || {
            // What was lost meanwhile is among the numbers below.
            let _ = pipeline.flush(Duration::from_secs(60));
            let lost: Vec<String> = pipeline
                .stats()
                .dropped
                .iter()
                .filter(|(_, spans)| *spans > 0)
                .map(|(reason, spans)| format!("{reason} {spans}"))
                .collect();
            lost.join(", ")
        }),
    })
}
