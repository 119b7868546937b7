//! One WebSocket connection: what it reads, what it writes, how it ends.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::limits::Limiter;
use super::refusal::Refusal;
use super::subscription::{self, Request};
use super::websocket::{self, BINARY, Broken, Frames, PONG, Received};
use super::writer::Writer;
use crate::counters::add;
use crate::faults::Blow;
use crate::hub::{Hub, Line, Outgoing};
use crate::journal::ConnectionEnd;

/// How often the answer to a text `PING` is sent, on a grid that begins with the exchange.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// How long a connection that was closed in order may take to go.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a WebSocket after its handshake, to its end; `ahead` is what the client sent behind the handshake. Gives the
/// stream back, for whoever must reset it.
pub(super) async fn serve<S>(hub: &Arc<Hub>, stream: S, ahead: Vec<u8>, stop: &CancellationToken) -> (ConnectionEnd, S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut blows = hub.faults.blows();
    let line = hub.open();
    let (mut source, mut sink) = tokio::io::split(stream);
    let end = {
        let reader = read(hub, &line, Frames::new(&mut source, ahead));
        let writer = Writer::new(hub, &line, &mut sink).run();
        tokio::pin!(reader, writer);
        let mut stalled: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break ConnectionEnd::Stopped,
                blow = blows.recv() => match blow {
                    Ok(Blow::Drop) => break ConnectionEnd::Cut,
                    Ok(Blow::HalfOpen(duration)) => {
                        hub.deaden(&line);
                        tokio::select! {
                            () = stop.cancelled() => break ConnectionEnd::Stopped,
                            () = tokio::time::sleep(duration) => break ConnectionEnd::HalfOpen,
                        }
                    }
                    Ok(Blow::Stall(until)) => {
                        add(&hub.counts.stalled, 1);
                        stalled = Some(until);
                    }
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {}
                },
                () = sleep_until(stalled.unwrap_or_else(Instant::now)), if stalled.is_some() => stalled = None,
                end = &mut reader => break end,
                end = &mut writer, if stalled.is_none() => break end,
            }
        }
    };
    hub.close(&line, end);
    let mut stream = source.unsplit(sink);
    if matches!(end, ConnectionEnd::Left | ConnectionEnd::Refused) {
        // Closing with unread bytes would reset the connection, and take the close frame from the client.
        let farewell = async {
            stream.shutdown().await?;
            let mut rest = [0; 512];
            while stream.read(&mut rest).await? > 0 {}
            std::io::Result::Ok(())
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
    (end, stream)
}

/// Reads messages until the connection ends; says how. Once it has asked the writer to close, it waits for it.
async fn read<R: AsyncRead + Unpin>(hub: &Hub, line: &Line, mut frames: Frames<R>) -> ConnectionEnd {
    let limits = &hub.limits;
    let mut per_second = Limiter::new(limits.messages_per_second, Duration::from_secs(1));
    let mut per_minute = Limiter::new(limits.messages_per_minute, Duration::from_secs(60));
    let mut status: Option<Instant> = None;
    let mut heard = Instant::now();
    loop {
        let received = tokio::select! {
            received = frames.next() => received,
            () = sleep_until(heard + limits.idle) => return ConnectionEnd::Idle,
            () = sleep_until(status.unwrap_or(heard)), if status.is_some() => {
                status = status.map(|at| at + STATUS_EVERY);
                hub.send(line, Outgoing::Frame(websocket::frame(BINARY, br#"{"status":"UP"}"#)));
                continue;
            }
        };
        heard = Instant::now();
        match received {
            Ok(Received::Ping(payload)) => hub.send(line, Outgoing::Frame(websocket::frame(PONG, &payload))),
            Ok(Received::Pong) => {}
            Ok(Received::Message(text)) if text == b"PING" => {
                let passed = heard.duration_since(hub.started).as_secs() / STATUS_EVERY.as_secs();
                status.get_or_insert(hub.started + STATUS_EVERY * (passed as u32 + 1));
            }
            Ok(Received::Message(text)) => {
                let within = per_second.allow((), heard).and(per_minute.allow((), heard));
                let request = match within {
                    Some(_) => subscription::read(&text, &hub.index),
                    None => Err(Refusal::too_many()),
                };
                match request {
                    Ok(Request::Subscribe(subscription)) => hub.subscribe(line, subscription),
                    Ok(Request::List { ticket }) => {
                        let answer = subscription::list(line.subscription().as_deref(), &ticket);
                        hub.send(line, Outgoing::Frame(websocket::frame(BINARY, answer.as_bytes())));
                    }
                    Err(refusal) => {
                        hub.send(
                            line,
                            Outgoing::Refusal(websocket::frame(BINARY, refusal.json().as_bytes())),
                        );
                        return pending().await;
                    }
                }
            }
            Ok(Received::Close) => {
                hub.send(line, Outgoing::Close(websocket::close(1000)));
                return pending().await;
            }
            Err(Broken::Gone) => return ConnectionEnd::Left,
            Err(Broken::Protocol(code)) => {
                hub.send(line, Outgoing::Close(websocket::close(code)));
                return pending().await;
            }
        }
    }
}
