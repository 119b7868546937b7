//! The accept loop: TCP, TLS if need be, then HTTP/1.1 with upgrades.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::rest;
use super::transport::{Identity, Transport};
use crate::hub::Hub;

/// How long a client may take for its TLS handshake.
const TLS_LIMIT: Duration = Duration::from_secs(10);

/// Where a request comes from.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Accepts connections until it is told to stop; then they all end.
pub(crate) async fn accept(hub: Arc<Hub>, listener: TcpListener, identity: Option<Identity>, stop: CancellationToken) {
    let router = rest::router(hub, stop.clone());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, identity, stop) = (router.clone(), identity.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = serve(router, stream, Peer(peer.ip()), identity) => {}
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: accepting again at once would only turn in a circle.
                tracing::warn!("a connection cannot be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(router: Router, stream: TcpStream, peer: Peer, identity: Option<Identity>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("Nagle's algorithm stays on: {error}");
    }
    let transport = match identity {
        None => Transport::Plain(stream),
        Some(identity) => match tokio::time::timeout(TLS_LIMIT, identity.accept(stream)).await {
            Ok(Ok(transport)) => transport,
            Ok(Err(error)) => return tracing::debug!("no TLS with {}: {error}", peer.0),
            Err(_) => return tracing::debug!("no TLS with {} within {TLS_LIMIT:?}", peer.0),
        },
    };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(transport), service);
    if let Err(error) = connection.with_upgrades().await {
        tracing::debug!("a connection of {} ended: {error}", peer.0);
    }
}
