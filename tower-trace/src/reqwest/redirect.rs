use reqwest::redirect::Policy;

use crate::ClientTraceLayer;

/// # Redirects that reqwest follows
impl ClientTraceLayer {
    /// Follows redirects as `inner` does, but to no host that contexts are not [handed on](Self::propagate_to) to: reqwest would take them there with the
    /// headers. The answer is the redirect itself then, which the caller may follow by a request of its own.
    ///
    /// ```no_run
    /// use tower_trace::{ClientTraceLayer, reqwest::Client};
    ///
    /// # fn demo(tracer: tracing_core_ctx::Tracer) -> Result<(), reqwest::Error> {
    /// let layer = ClientTraceLayer::new(tracer).propagate_to(["*.shop.internal"]);
    /// let redirects = layer.redirect_policy(reqwest::redirect::Policy::default());
    /// let client = Client::new(reqwest::Client::builder().redirect(redirects).build()?, layer);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn redirect_policy(&self, inner: Policy) -> Policy {
        let layer = self.clone();
        Policy::custom(move |attempt| {
            let url = attempt.url();
            // The address of an IPv6 host stands in brackets here.
            let host = url.host_str().map(|host| host.trim_matches(['[', ']']));
            if layer.reaches(host, url.port_or_known_default()) {
                inner.redirect(attempt)
            } else {
                attempt.stop()
            }
        })
    }
}
