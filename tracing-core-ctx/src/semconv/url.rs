use super::define::attributes;

attributes! {
    /// The whole URL, without credentials and with secret query values redacted.
    ///
    /// Client, required at span start. Example: `https://example.com/search?q=rust#top`.
    const URL_FULL: Key<str> = "url.full", Stable;

    /// The path.
    ///
    /// Server, required at span start. Example: `/search`.
    const URL_PATH: Key<str> = "url.path", Stable;

    /// The query without its question mark, with secret values redacted.
    ///
    /// Server, conditionally required at span start: when there is one. Example: `q=rust`.
    const URL_QUERY: Key<str> = "url.query", Stable;

    /// The scheme that the original client used.
    ///
    /// Server, required at span start; client, opt-in. Example: `https`.
    const URL_SCHEME: Key<str> = "url.scheme", Stable;

    /// The fragment, without its hash.
    ///
    /// When known; servers never see it. Example: `top`.
    const URL_FRAGMENT: Key<str> = "url.fragment", Stable;

    /// The pattern from which the URL's path was made. Enters the span's name when set.
    ///
    /// Client, opt-in. Example: `/users/{id}`.
    const URL_TEMPLATE: Key<str> = "url.template", Development;
}
