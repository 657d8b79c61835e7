//! TLS of the server itself: a certificate chain and its key from PEM files, exchanged without a restart.

#![warn(missing_docs)]

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

use crate::config::read_text;

/// Why the two files can't serve. One line for the operator; it names the file, never what is in it.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate's file is missing, unreadable or no PEM.
    #[error("the TLS certificate {path} can't be read: {cause}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The error of reading it.
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
        /// The error of reading it.
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
        /// The error of rustls.
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
    // With a byte order mark before it the first certificate would be skipped.
    let text = |path: &Path| read_text(path).map_err(pem::Error::Io);
    let chain = text(certificate)
        .and_then(|text| CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>())
        .map_err(|cause| TlsError::Certificate { path: certificate.into(), cause })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificate.into() });
    }
    let private = text(key)
        .and_then(|text| PrivateKeyDer::from_pem_slice(text.as_bytes()))
        .map_err(|cause| TlsError::Key { path: key.into(), cause })?;
    CertifiedKey::from_der(chain, private, &default_provider()).map_err(|cause| TlsError::Pair {
        certificate: certificate.into(),
        key: key.into(),
        cause,
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, io::Write};

    use rcgen::{CertificateParams, KeyPair};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, pki_types::ServerName};
    use tempfile::TempDir;

    use super::*;

    struct Files {
        folder: TempDir,
    }

    impl Files {
        fn new() -> (Self, CertificateDer<'static>) {
            let files = Self { folder: TempDir::new().unwrap() };
            let certificate = files.renew();
            (files, certificate)
        }

        fn certificate(&self) -> PathBuf {
            self.folder.path().join("cert.pem")
        }

        fn key(&self) -> PathBuf {
            self.folder.path().join("key.pem")
        }

        /// Writes a new pair, and says what a client should now see.
        fn renew(&self) -> CertificateDer<'static> {
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
            fs::write(self.certificate(), certificate.pem()).unwrap();
            fs::write(self.key(), key.serialize_pem()).unwrap();
            certificate.der().clone()
        }

        fn load(&self) -> Result<Tls, TlsError> {
            Tls::load(self.certificate(), self.key())
        }
    }

    #[test]
    fn what_an_editor_adds_to_the_two_files_changes_nothing() {
        let (files, certificate) = Files::new();
        for path in [files.certificate(), files.key()] {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, format!("\u{feff}{}", text.trim_end().replace("\r\n", "\n").replace('\n', "\r\n")))
                .unwrap();
        }
        let loaded = files.load().unwrap();
        assert_eq!(loaded.current.0.load().cert, [certificate]);
    }

    /// A client that trusts `trusted` alone and would like HTTP/2.
    fn client(trusted: &CertificateDer<'static>) -> Result<ClientConnection, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap())
    }

    /// A handshake without a socket; the protocol agreed on.
    fn handshake(server: &ServerConfig, trusted: &CertificateDer<'static>) -> Result<Option<Vec<u8>>, rustls::Error> {
        let mut client = client(trusted)?;
        let mut server = ServerConnection::new(Arc::new(server.clone()))?;
        let mut wire = Vec::new();
        while client.is_handshaking() || server.is_handshaking() {
            wire.clear();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut bytes = wire.as_slice();
            while !bytes.is_empty() {
                server.read_tls(&mut bytes).unwrap();
                server.process_new_packets()?;
            }
            wire.clear();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut bytes = wire.as_slice();
            while !bytes.is_empty() {
                client.read_tls(&mut bytes).unwrap();
                client.process_new_packets()?;
            }
        }
        server.writer().write_all(b"hello").unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
        let mut hello = [0; 5];
        client.reader().read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello");
        Ok(client.alpn_protocol().map(<[u8]>::to_vec))
    }

    #[test]
    fn a_client_gets_http_1_1_under_the_certificate() {
        let (files, certificate) = Files::new();
        let config = files.load().unwrap().server_config().unwrap();
        assert_eq!(handshake(&config, &certificate).unwrap().as_deref(), Some(&b"http/1.1"[..]));
    }

    /// actix-web puts its own protocols before ours, and `h2` among them as soon as any crate in the build switches on actix-http's
    /// `http2`. Over h2 one socket carries many sessions, so that ending one would end them all.
    #[actix_web::test]
    async fn the_listener_never_agrees_on_http_2() {
        let (files, certificate) = Files::new();
        let config = files.load().unwrap().server_config().unwrap();
        let server = actix_web::HttpServer::new(actix_web::App::new)
            .workers(1)
            .disable_signals()
            .bind_rustls_0_23("127.0.0.1:0", config)
            .unwrap();
        let address = server.addrs()[0];
        actix_web::rt::spawn(server.run());
        let agreed = actix_web::web::block(move || {
            let mut client = client(&certificate).unwrap();
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            while client.is_handshaking() {
                client.complete_io(&mut socket).unwrap();
            }
            client.alpn_protocol().map(<[u8]>::to_vec)
        });
        assert_eq!(agreed.await.unwrap().as_deref(), Some(&b"http/1.1"[..]));
    }

    #[test]
    fn a_reload_serves_the_new_certificate_to_new_connections() {
        let (files, old) = Files::new();
        let tls = files.load().unwrap();
        let config = tls.server_config().unwrap();
        let new = files.renew();
        assert!(handshake(&config, &old).is_ok());
        tls.reload().unwrap();
        assert!(handshake(&config, &new).is_ok());
        assert!(handshake(&config, &old).is_err());
    }

    #[test]
    fn a_bad_reload_keeps_the_old_certificate_and_says_what_is_wrong() {
        let (files, old) = Files::new();
        let tls = files.load().unwrap();
        let config = tls.server_config().unwrap();
        let good_key = fs::read_to_string(files.key()).unwrap();
        let good_certificate = fs::read_to_string(files.certificate()).unwrap();
        let other_key = KeyPair::generate().unwrap().serialize_pem();
        let table = [
            ("", good_key.as_str(), "holds no certificate"),
            ("nothing\n", &good_key, "holds no certificate"),
            (good_key.as_str(), &good_key, "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\n***\n-----END CERTIFICATE-----\n", &good_key, "the TLS certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &good_key, "does not serve"),
            (&good_certificate, "", "the TLS key"),
            (&good_certificate, &good_certificate, "the TLS key"),
            (&good_certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "does not serve"),
            (&good_certificate, &other_key, "does not serve"),
        ];
        for (certificate, key, says) in table {
            fs::write(files.certificate(), certificate).unwrap();
            fs::write(files.key(), key).unwrap();
            let error = tls.reload().unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{error}");
            assert!(handshake(&config, &old).is_ok(), "{error}");
            assert!(files.load().is_err());
        }
        fs::remove_file(files.key()).unwrap();
        fs::write(files.certificate(), &good_certificate).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Key { .. })));
        fs::remove_file(files.certificate()).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Certificate { .. })));
        assert!(handshake(&config, &old).is_ok());
    }
}
