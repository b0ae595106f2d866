use super::define::{attributes, values};

attributes! {
    /// The `User-Agent` header as it was sent.
    ///
    /// HTTP servers: recommended at span start; HTTP clients: opt-in. Example: `curl/8.17.0`.
    const USER_AGENT_ORIGINAL: Key<str> = "user_agent.original", Stable;

    /// That the traffic is synthetic: one of [`user_agent_synthetic_type`].
    ///
    /// HTTP: opt-in. Example: `bot`.
    const USER_AGENT_SYNTHETIC_TYPE: Key<str> = "user_agent.synthetic.type", Development;
}

values! {
    /// The values of [`USER_AGENT_SYNTHETIC_TYPE`].
    pub mod user_agent_synthetic_type {
        /// A crawler or another bot.
        const BOT = "bot";
        /// A test.
        const TEST = "test";
    }
}
