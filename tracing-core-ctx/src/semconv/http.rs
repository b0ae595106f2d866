use super::define::{attributes, values};
use crate::attribute::Untyped;

attributes! {
    /// The request method: one of [`http_request_method`].
    ///
    /// Required at span start on client and server. Example: `GET`.
    const HTTP_REQUEST_METHOD: Key<str> = "http.request.method", Stable;

    /// The method as the client wrote it.
    ///
    /// Conditionally required: when it differs from [`HTTP_REQUEST_METHOD`]. Example: `GeT`.
    const HTTP_REQUEST_METHOD_ORIGINAL: Key<str> = "http.request.method_original", Stable;

    /// Which resending of a request this is: redirect, authentication, retry or any other cause.
    ///
    /// Client, recommended: from the second attempt on, never on the first. Example: `1`.
    const HTTP_REQUEST_RESEND_COUNT: Key<i64> = "http.request.resend_count", Stable;

    /// The status code of the response.
    ///
    /// Conditionally required: when one was received (client) or sent (server). Example: `200`.
    const HTTP_RESPONSE_STATUS_CODE: Key<i64> = "http.response.status_code", Stable;

    /// The pattern of the matched route, with every prefix under which it is mounted; never the path itself.
    ///
    /// Server, conditionally required: when the router tells. Example: `/users/{id}`.
    const HTTP_ROUTE: Key<str> = "http.route", Stable;

    /// Request headers; a member is the header's name in lower case, dashes kept.
    ///
    /// Opt-in, by an explicit list; one item for each header line. Example: `http.request.header.content-type`.
    const HTTP_REQUEST_HEADER: KeyPrefix<[String]> = "http.request.header.", Stable;

    /// Response headers; a member is the header's name in lower case, dashes kept.
    ///
    /// Opt-in, by an explicit list; one item for each header line. Example: `http.response.header.etag`.
    const HTTP_RESPONSE_HEADER: KeyPrefix<[String]> = "http.response.header.", Stable;

    /// Bytes of the request's body as transferred, that is after compression.
    ///
    /// Opt-in. Example: `3495`.
    const HTTP_REQUEST_BODY_SIZE: Key<i64> = "http.request.body.size", Development;

    /// Bytes of the response's body as transferred, that is after compression.
    ///
    /// Opt-in. Example: `3495`.
    const HTTP_RESPONSE_BODY_SIZE: Key<i64> = "http.response.body.size", Development;

    /// Bytes of the whole request: start line, headers, framing, body and trailers.
    ///
    /// Opt-in. Example: `5493`.
    const HTTP_REQUEST_SIZE: Key<i64> = "http.request.size", Development;

    /// Bytes of the whole response: status line, headers, framing, body and trailers.
    ///
    /// Opt-in. Example: `5493`.
    const HTTP_RESPONSE_SIZE: Key<i64> = "http.response.size", Development;

    /// The request's body with its content coding undone: text, or bytes when it is no text.
    ///
    /// Opt-in, never by default: it may hold anything. Example: `{"id":7}`.
    const HTTP_REQUEST_BODY_CONTENT: Key<Untyped> = "http.request.body.content", Development;

    /// The response's body with its content coding undone: text, or bytes when it is no text.
    ///
    /// Opt-in, never by default: it may hold anything. Example: `{"id":7}`.
    const HTTP_RESPONSE_BODY_CONTENT: Key<Untyped> = "http.response.body.content", Development;

    /// What a pooled connection does: one of [`http_connection_state`].
    ///
    /// Required on the metric `http.client.open_connections`. Example: `idle`.
    const HTTP_CONNECTION_STATE: Key<str> = "http.connection.state", Development;
}

values! {
    /// The known methods of [`HTTP_REQUEST_METHOD`]; any other one is `OTHER`.
    ///
    /// The comparison is case-sensitive (RFC 9110, section 9.1).
    pub mod http_request_method or OTHER {
        /// RFC 9110.
        const CONNECT = "CONNECT";
        /// RFC 9110.
        const DELETE = "DELETE";
        /// RFC 9110.
        const GET = "GET";
        /// RFC 9110.
        const HEAD = "HEAD";
        /// RFC 9110.
        const OPTIONS = "OPTIONS";
        /// RFC 5789.
        const PATCH = "PATCH";
        /// RFC 9110.
        const POST = "POST";
        /// RFC 9110.
        const PUT = "PUT";
        /// A safe request with a body; still in development.
        const QUERY = "QUERY";
        /// RFC 9110.
        const TRACE = "TRACE";
    }

    /// The values of [`HTTP_CONNECTION_STATE`].
    pub mod http_connection_state {
        /// Busy with a request.
        const ACTIVE = "active";
        /// Kept for the next request.
        const IDLE = "idle";
    }
}
