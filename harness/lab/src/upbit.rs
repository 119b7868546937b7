//! The real exchange, as far as this command talks to it itself: its list of markets, and sockets over TLS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use market::Market;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cli::UpbitArgs;
use crate::run::names::Urls;
use crate::values::Markets;

const LIMIT: Duration = Duration::from_secs(10);

/// What to do where the real exchange cannot be had.
const OURS: &str = "the exchange of this project (up --source generate, record --from exchange)";

/// More than the list of markets will ever be.
const MOST_BYTES: usize = 4 << 20;

/// One of the real exchanges.
pub(crate) struct Upbit<'a>(pub(crate) &'a UpbitArgs);

impl Upbit<'_> {
    /// Its addresses.
    pub(crate) fn urls(&self) -> Urls {
        let host = &self.0.host;
        Urls {
            ws: format!("wss://{host}/websocket/v1"),
            rest: format!("https://{host}/v1"),
        }
    }

    /// A TLS connection to it, if a public authority, this machine, or the certificate given vouches for it.
    pub(crate) async fn connect(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        let (host, port) = (self.0.host.name(), self.0.host.port());
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).with_context(|| format!("{host} is no host name"))?;
        let connected = async {
            let tcp = TcpStream::connect((host, port)).await?;
            tcp.set_nodelay(true)?;
            TlsConnector::from(Arc::new(config)).connect(name, tcp).await
        };
        match tokio::time::timeout(LIMIT, connected).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => bail!("{host} cannot be reached ({error}); check the network, or use {OURS}"),
            Err(_) => bail!(
                "{host} did not answer for {} s; check the network, or use {OURS}",
                LIMIT.as_secs()
            ),
        }
    }

    fn roots(&self) -> anyhow::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        // The machine's own too: a company's proxy has its own authority.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &self.0.ca_cert {
            let unreadable = || {
                format!(
                    "{} holds no certificate; --ca-cert takes a file in PEM format",
                    file.display()
                )
            };
            let mut found = 0;
            for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
                roots
                    .add(certificate.with_context(unreadable)?)
                    .with_context(unreadable)?;
                found += 1;
            }
            ensure!(found > 0, "{}", unreadable());
        }
        Ok(roots)
    }

    /// The markets that are meant: named ones must be listed; of a number, the busiest that are listed.
    pub(crate) async fn markets(&self, asked: &Markets) -> anyhow::Result<Vec<Market>> {
        choose(asked, &self.listed().await?, &self.urls().rest)
    }

    /// Every market that is listed.
    async fn listed(&self) -> anyhow::Result<Vec<Market>> {
        let url: http::Uri = format!("{}/market/all", self.urls().rest).parse()?;
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = http::Request::get(url.path())
            .header(http::header::HOST, self.0.host.to_string())
            .header(http::header::ACCEPT, "application/json")
            .body(Empty::<Bytes>::new())?;
        let asked = async {
            let response = sender.send_request(request).await?;
            ensure!(
                response.status().is_success(),
                "{} was answered to {url}; try again later",
                response.status()
            );
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
            let bytes = body
                .map_err(|error| anyhow::anyhow!("the list of markets broke off ({error}); try again"))?
                .to_bytes();
            let listed: Vec<Listed> = serde_json::from_slice(&bytes)
                .with_context(|| format!("what came from {url} is no list of markets"))?;
            // A code that is no code of ours cannot be asked for either.
            Ok(listed
                .into_iter()
                .filter_map(|listed| listed.market.parse().ok())
                .collect())
        };
        tokio::time::timeout(LIMIT, asked)
            .await
            .with_context(|| format!("{} did not answer in time; try again later", self.0.host))?
    }
}

fn choose(asked: &Markets, listed: &[Market], rest: &str) -> anyhow::Result<Vec<Market>> {
    match asked {
        Markets::Named(named) => {
            if let Some(unknown) = named.iter().find(|market| !listed.contains(market)) {
                bail!("{unknown} is not listed there; {rest}/market/all shows what is");
            }
            Ok(named.clone())
        }
        Markets::Count(count) => {
            let busiest = exchange::source::catalog::listings(exchange::source::catalog::LISTED).unwrap_or_default();
            let known: Vec<Market> = busiest
                .into_iter()
                .map(|listing| listing.market)
                .filter(|market| listed.contains(market))
                .collect();
            let others = listed.iter().copied().filter(|market| !known.contains(market));
            let chosen: Vec<Market> = known.iter().copied().chain(others).take(*count).collect();
            ensure!(!chosen.is_empty(), "{rest}/market/all lists no market; try again later");
            Ok(chosen)
        }
    }
}

#[derive(serde::Deserialize)]
struct Listed {
    market: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_markets_must_be_listed_and_numbers_mean_the_busiest() {
        let listed: Vec<Market> = ["KRW-NEW", "KRW-XRP", "KRW-BTC"]
            .iter()
            .map(|code| code.parse().unwrap())
            .collect();
        let chosen = |text: &str| {
            let chosen = choose(&text.parse().unwrap(), &listed, "https://api.upbit.com/v1")?;
            anyhow::Ok(chosen.iter().map(Market::to_string).collect::<Vec<_>>())
        };
        assert_eq!(chosen("2").unwrap(), ["KRW-BTC", "KRW-XRP"]);
        assert_eq!(chosen("9").unwrap(), ["KRW-BTC", "KRW-XRP", "KRW-NEW"]);
        assert_eq!(chosen("KRW-XRP").unwrap(), ["KRW-XRP"]);
        assert_eq!(
            chosen("KRW-XRP,KRW-NONE").unwrap_err().to_string(),
            "KRW-NONE is not listed there; https://api.upbit.com/v1/market/all shows what is"
        );
    }
}
