//! Connections with TLS, to servers whose certificates are in `certificates/`.

use std::io::BufReader;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tonic::transport::Identity;
use trace_pipeline::PipelineStats;
use trace_pipeline::otlp::{ConfigError, OtlpConfig};

use crate::grpc::Running;
use crate::server;
use crate::support::{LONG, builder, end_spans, ledger, quick};

const CA: &str = include_str!("certificates/ca.pem");
const SERVER: &str = include_str!("certificates/server.pem");
const SERVER_KEY: &str = include_str!("certificates/server.key");
const CLIENT: &str = include_str!("certificates/client.pem");
const CLIENT_KEY: &str = include_str!("certificates/client.key");

/// A server of HTTP over TLS that answers 200; its URL.
pub(crate) fn https(ask_for_certificate: bool) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if ask_for_certificate {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(CA.as_bytes()).unwrap())
            .unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let certificate = CertificateDer::from_pem_slice(SERVER.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).unwrap();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            thread::spawn(move || {
                let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
                // A handshake that fails ends here, and the client has to notice.
                let _ = server::read(&mut stream)?;
                server::write(stream.get_mut(), 200, &[], b"")
            });
        }
    });
    format!("https://localhost:{}", address.port())
}

fn three_spans(config: OtlpConfig) -> PipelineStats {
    let pipeline = builder().otlp(quick(config)).build().unwrap();
    end_spans(&pipeline, 3);
    let _ = pipeline.flush(LONG);
    ledger(&pipeline)
}

#[test]
fn a_server_with_a_trusted_certificate_gets_the_spans() {
    let config = OtlpConfig::http().endpoint(https(false)).certificate(CA);
    assert_eq!(three_spans(config).exported, 3);
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let stats = three_spans(OtlpConfig::http().endpoint(https(false)));
    assert_eq!((stats.exported, stats.dropped.export_failed), (0, 3));
    // Somebody vouches, but for others.
    let stats = three_spans(
        OtlpConfig::http()
            .endpoint(https(false))
            .certificate(CLIENT),
    );
    assert_eq!((stats.exported, stats.dropped.export_failed), (0, 3));
}

#[test]
fn a_server_that_asks_who_we_are_is_told() {
    let url = https(true);
    let config = OtlpConfig::http().endpoint(&url).certificate(CA);
    let stats = three_spans(config.clone().client_identity(CLIENT, CLIENT_KEY));
    assert_eq!(stats.exported, 3);
    let stats = three_spans(config);
    assert_eq!((stats.exported, stats.dropped.export_failed), (0, 3));
}

#[test]
fn grpc_goes_over_tls_too() {
    let server = Running::start(Vec::new(), Some(Identity::from_pem(SERVER, SERVER_KEY)));
    let config = OtlpConfig::grpc().endpoint(&server.address).certificate(CA);
    assert_eq!(three_spans(config).exported, 3);
    let spans = &server.request().0.into_inner().resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.len(), 3);
}

#[test]
fn certificates_that_can_not_be_read_are_found_when_the_pipeline_is_built() {
    for config in [
        OtlpConfig::http().certificate("nothing"),
        OtlpConfig::http().certificate(CLIENT_KEY),
        OtlpConfig::http().client_identity(CLIENT, "nothing"),
        OtlpConfig::http().client_identity("nothing", CLIENT_KEY),
        OtlpConfig::http().client_identity(CLIENT, SERVER_KEY),
    ] {
        let error = config.build().unwrap_err();
        assert!(matches!(error, ConfigError::Pem(_)), "{error}");
    }
}
