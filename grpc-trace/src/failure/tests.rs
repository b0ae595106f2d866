use super::*;

type BoxError = Box<dyn Error + Send + Sync>;

fn code(error: impl Into<BoxError>) -> Code {
    let error: BoxError = error.into();
    status_of(Failure::new(&error)).code
}

#[test]
fn reasons_of_a_reset_have_codes() {
    for (reason, expected) in [
        (h2::Reason::NO_ERROR, Code::Internal),
        (h2::Reason::PROTOCOL_ERROR, Code::Internal),
        (h2::Reason::INTERNAL_ERROR, Code::Internal),
        (h2::Reason::FLOW_CONTROL_ERROR, Code::Internal),
        (h2::Reason::SETTINGS_TIMEOUT, Code::Internal),
        (h2::Reason::FRAME_SIZE_ERROR, Code::Internal),
        (h2::Reason::COMPRESSION_ERROR, Code::Internal),
        (h2::Reason::CONNECT_ERROR, Code::Internal),
        (h2::Reason::REFUSED_STREAM, Code::Unavailable),
        (h2::Reason::CANCEL, Code::Cancelled),
        (h2::Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (h2::Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
        (h2::Reason::STREAM_CLOSED, Code::Unknown),
        (h2::Reason::HTTP_1_1_REQUIRED, Code::Unknown),
    ] {
        assert_eq!(code(h2::Error::from(reason)), expected, "{reason:?}");
    }
}

#[test]
fn a_status_is_found_in_the_chain_of_causes() {
    assert_eq!(code(Status::not_found("gone")), Code::NotFound);
    assert_eq!(
        code(io::Error::other(Status::data_loss("half"))),
        Code::DataLoss
    );
    let status = Status::not_found("gone");
    assert_eq!(status_of(Failure::new(&status)).message, "gone");
}

#[test]
fn a_broken_connection_is_unavailable_whatever_status_was_made_of_it() {
    assert_eq!(
        code(io::Error::from(io::ErrorKind::ConnectionReset)),
        Code::Unavailable
    );
    let status = Status::from_error(Box::new(io::Error::from(io::ErrorKind::BrokenPipe)));
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(code(status), Code::Unavailable);
}

#[tokio::test]
async fn a_connection_that_is_gone_before_it_took_the_request_is_unavailable() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let io = hyper_util::rt::TokioIo::new(ours);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    drop(connection);
    let request = http::Request::new(String::new());
    let error = sender.send_request(request).await.unwrap_err();
    assert!(error.is_canceled());
    assert_eq!(code(error), Code::Unavailable);
}

#[test]
fn timeouts_are_deadlines() {
    #[derive(Debug)]
    struct Elapsed(());
    impl std::fmt::Display for Elapsed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "late{:?}", self.0)
        }
    }
    impl Error for Elapsed {}
    assert_eq!(code(Elapsed(())), Code::DeadlineExceeded);
}

#[test]
fn an_error_of_any_other_type_is_unknown() {
    assert_eq!(code("broken"), Code::Unknown);
    assert_eq!(status_of(Failure::new(&7)).code, Code::Unknown);
}
