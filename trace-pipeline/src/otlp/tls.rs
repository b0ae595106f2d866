//! Whom to trust, and who we are.

use std::fmt;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tracing_core_ctx::diagnostics::{self, Level};

/// The PEM files as they came.
#[derive(Clone, Default)]
pub(crate) struct TlsConfig {
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) client_identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// A certificate or key that can not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPem {
    what: &'static str,
    reason: String,
}

impl fmt::Display for InvalidPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} can not be used: {}", self.what, self.reason)
    }
}

impl std::error::Error for InvalidPem {}

/// The same, read. The roots of the operating system are many files, which are read on the pipeline's thread and
/// only if they are needed.
#[derive(Debug)]
pub(crate) struct Tls {
    roots: Option<RootCertStore>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl TlsConfig {
    /// Whether all of it can be read.
    pub(crate) fn check(&self) -> Result<(), InvalidPem> {
        self.load().map(drop)
    }

    pub(crate) fn load(&self) -> Result<Tls, InvalidPem> {
        let roots = self.certificate.as_deref().map(roots).transpose()?;
        let identity = match &self.client_identity {
            Some((certificate, key)) => {
                let chain = certificates("client certificate", certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| invalid("client key", error))?;
                // Whether they fit is found out now and not at the first connection.
                let certified =
                    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                        .with_safe_default_protocol_versions()
                        .map_err(|error| invalid("client key", error))?
                        .with_root_certificates(RootCertStore::empty())
                        .with_client_auth_cert(chain.clone(), key.clone_key());
                certified.map_err(|error| invalid("client key", error))?;
                Some((chain, key))
            }
            None => None,
        };
        Ok(Tls { roots, identity })
    }
}

impl Tls {
    /// The settings for connections; with `needed` off, there will be none with TLS.
    pub(super) fn client_config(&self, needed: bool) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.roots {
            Some(roots) => builder.with_root_certificates(roots.clone()),
            None if needed => match builder.clone().with_native_roots() {
                Ok(builder) => builder,
                Err(error) => {
                    diagnostics::report(
                        Level::Error,
                        format_args!(
                            "no certificate is trusted, so no connection will be made: {error}"
                        ),
                    );
                    builder.with_root_certificates(RootCertStore::empty())
                }
            },
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        match &self.identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
            None => Ok(builder.with_no_client_auth()),
        }
    }
}

fn roots(pem: &[u8]) -> Result<RootCertStore, InvalidPem> {
    const WHAT: &str = "certificate";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(WHAT, pem)? {
        roots
            .add(certificate)
            .map_err(|error| invalid(WHAT, error))?;
    }
    Ok(roots)
}

fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, InvalidPem> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(what, error))?;
    if certificates.is_empty() {
        return Err(invalid(what, "it has no PEM section of a certificate"));
    }
    Ok(certificates)
}

fn invalid(what: &'static str, reason: impl fmt::Display) -> InvalidPem {
    InvalidPem {
        what,
        reason: reason.to_string(),
    }
}
