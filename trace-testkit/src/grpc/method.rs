//! Name, kind and attributes.

use super::{METHOD, assert_status, call, call_of, streamed};
use crate::http::Side;
use crate::http::call::Stage;
use crate::http::side::around;

/// What the conventions require, and nothing of HTTP's.
pub async fn required_attributes_are_there<S: Side>() {
    let mut stage = around::<S, _, _>(|_| async { Ok(streamed(1, "0", None)) });
    stage.exchange(call()).await;
    let span = stage.span();
    assert_eq!(span.name(), METHOD);
    assert_eq!(span.kind(), S::KIND);
    span.assert_attributes(&[
        ("rpc.system.name", "grpc".into()),
        ("rpc.method", METHOD.into()),
        ("rpc.status_code", "OK".into()),
        ("server.address", "shop.example".into()),
        ("server.port", 8080.into()),
    ]);
    span.assert_unset();
}

/// Samplers decide by the method and the server.
pub async fn the_sampler_sees_what_the_start_knows<S: Side>() {
    let (mut stage, notes) = Stage::with_noting_sampler(
        S::instrument,
        &[
            "rpc.system.name",
            "rpc.method",
            "server.address",
            "server.port",
        ],
    );
    stage.exchange(call()).await;
    drop(stage.span());
    let seen = notes.take().join("\n");
    for text in ["grpc", METHOD, "shop.example", "8080"] {
        assert!(
            seen.contains(text),
            "the sampler did not see {text}:\n{seen}"
        );
    }
}

/// Whatever scanners send.
pub async fn what_is_no_method_is_other<S: Side>() {
    for path in ["/", "/wp-login.php", "/a/b/c", "/.env/x", "/a//b"] {
        let mut stage = around::<S, _, _>(|_| async { Ok(streamed(0, "12", None)) });
        stage.exchange(call_of(path)).await;
        let span = stage.span();
        assert_eq!(span.name(), "grpc", "for {path}");
        assert_eq!(span.str("rpc.method"), "_OTHER");
        let original = &path[1..];
        match original {
            "" => span.assert_absent("rpc.method_original"),
            _ => assert_eq!(span.str("rpc.method_original"), original),
        }
        assert_status::<S>(&span, "UNIMPLEMENTED");
    }
}
