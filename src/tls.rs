//! TLS of the server itself: a certificate chain and its key from PEM files, exchanged without a restart.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use thiserror::Error;

/// Why the two files can't serve. One line for the operator; it names the file, never what is in it.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate's file is missing, unreadable or no PEM.
    #[error("the TLS certificate {path} can't be read: {cause}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What reading it said.
        #[source]
        cause: pem::Error,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate: a PEM file with `BEGIN CERTIFICATE` is needed, the server's own first")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key's file is missing, unreadable, no PEM, or holds no private key.
    #[error("the TLS key {path} can't be read: {cause}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What reading it said.
        #[source]
        cause: pem::Error,
    },
    /// The key belongs to another certificate, or one of the two is of a kind that rustls does not know.
    #[error("the TLS key {key} does not serve the certificate {certificate}: {cause}")]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls said.
        #[source]
        cause: rustls::Error,
    },
    /// rustls does not take its own defaults.
    #[error("TLS can't be set up: {0}")]
    Setup(#[source] rustls::Error),
}

/// The server's certificate, as of the last time that its files were good.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
}

impl Tls {
    /// Reads a certificate chain, the server's own first, and its private key (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    /// [`TlsError`] when a file can't be read, or the two don't belong together.
    pub fn load(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = Arc::new(Current(ArcSwap::from_pointee(read(&certificate, &key)?)));
        Ok(Self { certificate, key, current })
    }

    /// Reads both files again. New connections get the new certificate; open ones keep theirs.
    ///
    /// # Errors
    /// [`TlsError`]; the old certificate then stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.0.store(Arc::new(read(&self.certificate, &self.key)?));
        Ok(())
    }

    /// What the listener needs: TLS 1.2 and 1.3, HTTP/1.1 alone, and always the certificate of the last good reading.
    ///
    /// # Errors
    /// [`TlsError::Setup`], which rustls's own defaults don't cause.
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        // The provider is named, since the process may have none, or two.
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        // A WebSocket begins as HTTP/1.1 (RFC 6455 section 4.1).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| TlsError::Certificate { path: certificate.into(), cause })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificate.into() });
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|cause| TlsError::Key { path: key.into(), cause })?;
    CertifiedKey::from_der(chain, private, &default_provider()).map_err(|cause| TlsError::Pair {
        certificate: certificate.into(),
        key: key.into(),
        cause,
    })
}
