//! Certificates of the tests, and clients that trust them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use haggle::internals::config::TlsFiles;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::within;

/// A certificate of `localhost` and its key, in files that a server reads.
pub struct Certificate {
    folder: TempDir,
    /// What clients trust.
    pub current: CertificateDer<'static>,
}

impl Certificate {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let current = write(folder.path());
        Self { folder, current }
    }

    /// Writes a new pair in place of the old one.
    pub fn renew(&mut self) {
        self.current = write(self.folder.path());
    }

    pub fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub fn files(&self) -> TlsFiles {
        TlsFiles { cert: self.cert(), key: self.key() }
    }

    /// A TLS handshake on a TCP connection, trusting the current certificate alone.
    pub async fn handshake(&self, tcp: TcpStream, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.current.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        within("a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
    }

    /// Connects.
    pub async fn connect(&self, addr: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshake(TcpStream::connect(addr).await?, &[]).await
    }
}

fn write(folder: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}
