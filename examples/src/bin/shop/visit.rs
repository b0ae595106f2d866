//! What customers do.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode, header};

/// One request of a customer.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The kind of it, in a word.
    pub(crate) kind: &'static str,
    pub(crate) story: &'static str,
    pub(crate) path: &'static str,
    order: Option<&'static str>,
    /// The customer goes away when it takes longer.
    patience: Option<Duration>,
}

/// One of each kind, in the order in which they are made.
pub(crate) const VISITS: &[Visit] = &[
    Visit::checkout(
        "ok",
        "ann buys a lamp",
        r#"{"item":"lamp","customer":"ann"}"#,
    ),
    Visit::checkout(
        "slow",
        "bob buys a lamp, and the fraud check takes its time",
        r#"{"item":"lamp","customer":"bob"}"#,
    ),
    Visit::checkout(
        "declined",
        "eve buys a lamp, and her bank declines",
        r#"{"item":"lamp","customer":"eve"}"#,
    ),
    Visit::checkout(
        "failed",
        "ann buys a sofa; its warehouse is out of reach, so the payment is called off",
        r#"{"item":"sofa","customer":"ann"}"#,
    ),
    Visit {
        patience: Some(Duration::from_millis(200)),
        ..Visit::checkout(
            "cancelled",
            "bob tries again and gives up half way",
            r#"{"item":"chair","customer":"bob"}"#,
        )
    },
    Visit::checkout(
        "bounced",
        "fay buys a lamp, but nobody has her address: the mail becomes a dead letter",
        r#"{"item":"lamp","customer":"fay"}"#,
    ),
    Visit::get(
        "streamed",
        "cyd reads the catalogue, which comes in pieces",
        "/catalogue",
    ),
    Visit::get("not found", "dan takes a wrong turn", "/chekout"),
];

/// How a visit ended for the customer.
#[derive(Debug)]
pub(crate) enum Answer {
    Answered(StatusCode),
    Failed(reqwest::Error),
    GivenUp,
}

impl Visit {
    const fn checkout(kind: &'static str, story: &'static str, order: &'static str) -> Self {
        Self {
            kind,
            story,
            path: "/checkout",
            order: Some(order),
            patience: None,
        }
    }

    const fn get(kind: &'static str, story: &'static str, path: &'static str) -> Self {
        Self {
            kind,
            story,
            path,
            order: None,
            patience: None,
        }
    }

    pub(crate) const fn method(&self) -> Method {
        if self.order.is_some() {
            Method::POST
        } else {
            Method::GET
        }
    }

    /// Sends the request from outside: the customer is not traced.
    pub(crate) async fn make(&self, gateway: SocketAddr) -> Answer {
        match self.send(gateway).await {
            Ok(status) => Answer::Answered(status),
            Err(error) if error.is_timeout() && self.patience.is_some() => Answer::GivenUp,
            Err(error) => Answer::Failed(error),
        }
    }

    async fn send(&self, gateway: SocketAddr) -> Result<StatusCode, reqwest::Error> {
        const LIMIT: Duration = Duration::from_secs(10);

        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut request = client
            .request(self.method(), format!("http://{gateway}{}", self.path))
            .timeout(self.patience.unwrap_or(LIMIT));
        if let Some(order) = self.order {
            request = request
                .header(header::AUTHORIZATION, "Bearer demo")
                .body(order);
        }
        let response = request.send().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status)
    }

    /// The same request, to be typed.
    pub(crate) fn curl(&self, gateway: SocketAddr) -> String {
        let patience = self
            .patience
            .map(|patience| format!(" -m {}", patience.as_secs_f64()))
            .unwrap_or_default();
        let order = self
            .order
            .map(|order| format!(" -H 'authorization: Bearer demo' -d '{order}'"))
            .unwrap_or_default();
        format!("curl -i{patience}{order} http://{gateway}{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_can_be_typed() {
        let gateway = SocketAddr::from(([127, 0, 0, 1], 8080));
        let typed = |kind| {
            VISITS
                .iter()
                .find(|visit| visit.kind == kind)
                .map(|visit| visit.curl(gateway))
        };
        assert_eq!(
            typed("cancelled").as_deref(),
            Some(
                "curl -i -m 0.2 -H 'authorization: Bearer demo' -d '{\"item\":\"chair\",\"customer\":\"bob\"}' \
                 http://127.0.0.1:8080/checkout"
            )
        );
        assert_eq!(
            typed("streamed").as_deref(),
            Some("curl -i http://127.0.0.1:8080/catalogue")
        );
    }
}
