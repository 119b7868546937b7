//! A TCP connection, with TLS where the URL says so: the same for the socket and for REST.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use crate::ConfigError;

/// Opens connections, and knows whom to trust.
#[derive(Clone)]
pub(crate) struct Dialer {
    tls: TlsConnector,
}

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("cannot connect to {0}: {1}")]
    Tcp(String, #[source] io::Error),
    #[error("no TLS with {0}: {1}")]
    Tls(String, #[source] io::Error),
    #[error("{0} does not show a certificate that is trusted: {1}")]
    Untrusted(String, String),
    #[error("{0} names no host and port")]
    NoAddress(Url),
}

impl Dialer {
    /// Trusts the authorities of Mozilla's list, those of this machine, and the extra ones.
    ///
    /// Both lists, because each alone fails somewhere: a bare container has no certificates of its own, and a company's
    /// machine has one that Mozilla does not know.
    pub(crate) fn new(extra_ca_pem: Option<&str>) -> Result<Self, ConfigError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        // A machine without certificates, or with a broken one among them, still has Mozilla's list.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = extra_ca_pem {
            let bad = |error: &dyn std::fmt::Display| ConfigError::Certificates(error.to_string());
            let mut any = false;
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots
                    .add(certificate.map_err(|error| bad(&error))?)
                    .map_err(|error| bad(&error))?;
                any = true;
            }
            if !any {
                return Err(bad(&"there is none in the text"));
            }
        }
        // The provider is named, because the process-wide default is whatever another crate of the program chose.
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::Certificates(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Connects. The caller sets the time limit.
    pub(crate) async fn dial(&self, url: &Url) -> Result<Transport, DialError> {
        let tls = matches!(url.scheme(), "wss" | "https");
        let port = url.port().unwrap_or(if tls { 443 } else { 80 });
        let no_address = || DialError::NoAddress(url.clone());
        let host = url.host().ok_or_else(no_address)?;
        let name = format!("{host}:{port}");
        let tcp = match host {
            Host::Domain(domain) => TcpStream::connect((domain, port)).await,
            Host::Ipv4(address) => TcpStream::connect((address, port)).await,
            Host::Ipv6(address) => TcpStream::connect((address, port)).await,
        }
        .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        .map_err(|error| DialError::Tcp(name.clone(), error))?;
        if !tls {
            return Ok(Transport::Plain(tcp));
        }
        let server = match host {
            Host::Domain(domain) => ServerName::try_from(domain.to_owned()).map_err(|_| no_address())?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(address)),
        };
        match self.tls.connect(server, tcp).await {
            Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
            Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::InvalidCertificate(why)) => DialError::Untrusted(name, why.to_string()),
                _ => DialError::Tls(name, error),
            }),
        }
    }
}

/// A connection.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
