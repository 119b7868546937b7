//! One WebSocket connection: what it reads, what it writes, how it ends.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::bad;
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
            Ok(Received::Pong(payload)) => {
                if let Some(n) = bad::answered(&payload) {
                    line.confirm(n);
                }
            }
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
            Err(Broken::Gone) => return ConnectionEnd::Gone,
            Err(Broken::Protocol(code)) => {
                hub.send(line, Outgoing::Close(websocket::close(code)));
                return pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::DuplexStream;
    use tokio::task::JoinHandle;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use crate::Limits;
    use crate::journal::{Journal, Logs};
    use crate::server::Face;

    /// A connection over memory, so that the clock can be a test's own: it jumps to the next timer when all wait.
    struct Talk {
        ws: WebSocketStream<DuplexStream>,
        serving: JoinHandle<ConnectionEnd>,
        hub: Arc<Hub>,
        _dir: tempfile::TempDir,
    }

    async fn talk() -> Talk {
        let dir = tempfile::tempdir().unwrap();
        let market = "KRW-BTC".parse().unwrap();
        let (journal, logs) = (
            Journal::create(dir.path(), &[market]).unwrap(),
            Logs::create(dir.path()).unwrap(),
        );
        let hub = Arc::new(Hub::new(
            vec![Face::new(market, 1)],
            None,
            Limits::default(),
            journal,
            logs,
        ));
        let (client, server) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { serve(&hub, server, Vec::new(), &CancellationToken::new()).await.0 }
        });
        Talk {
            ws: WebSocketStream::from_raw_socket(client, Role::Client, None).await,
            serving,
            hub,
            _dir: dir,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_for_a_minute_is_dropped_without_a_close_frame() {
        let mut talk = talk().await;
        let from = Instant::now();
        assert!(
            talk.ws.next().await.is_none_or(|message| message.is_err()),
            "want no close frame"
        );
        assert_eq!(from.elapsed().as_secs(), 60);
        assert_eq!(talk.serving.await.unwrap(), ConnectionEnd::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_now_and_then_keeps_a_connection() {
        let mut talk = talk().await;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            talk.ws.send(Message::Ping("x".into())).await.unwrap();
            assert_eq!(talk.ws.next().await.unwrap().unwrap(), Message::Pong("x".into()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_ping_starts_a_status_every_ten_seconds_on_a_grid_not_at_once() {
        let mut talk = talk().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let from = Instant::now();
        talk.ws.send(Message::text("PING")).await.unwrap();
        for want in [7, 17, 27] {
            let status = talk.ws.next().await.unwrap().unwrap();
            assert_eq!(status, Message::binary(&br#"{"status":"UP"}"#[..]));
            assert_eq!(
                from.elapsed().as_secs(),
                want,
                "statuses come on the exchange's own grid of 10 s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_followed_by_a_close_150_ms_later() {
        let mut talk = talk().await;
        talk.ws.send(Message::text("{}")).await.unwrap();
        assert!(talk.ws.next().await.unwrap().unwrap().is_binary());
        let from = Instant::now();
        match talk.ws.next().await.unwrap().unwrap() {
            Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1000),
            other => panic!("want a close, got {other:?}"),
        }
        assert_eq!(from.elapsed().as_millis(), 150);
        drop(talk.ws);
        assert_eq!(talk.serving.await.unwrap(), ConnectionEnd::Refused);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sixth_message_of_a_second_and_the_hundred_and_first_of_a_minute_are_refused() {
        let list = r#"[{"ticket":"t"},{"method":"LIST_SUBSCRIPTIONS"}]"#;
        for (pause_ms, most) in [(0, 5), (500, 100)] {
            let mut talk = talk().await;
            for n in 0..=most {
                talk.ws.send(Message::text(list)).await.unwrap();
                let answer = talk.ws.next().await.unwrap().unwrap().into_text().unwrap();
                assert_eq!(
                    answer.contains("TOO_MANY"),
                    n == most,
                    "message {n}, one every {pause_ms} ms: {answer}"
                );
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_holds_answers_back_and_a_half_open_connection_never_gives_them() {
        let mut talk = talk().await;
        talk.ws.send(Message::Ping("a".into())).await.unwrap();
        talk.ws.next().await.unwrap().unwrap();
        let from = Instant::now();
        talk.hub.faults.stall(Duration::from_secs(5));
        tokio::task::yield_now().await;
        talk.ws.send(Message::Ping("b".into())).await.unwrap();
        assert_eq!(talk.ws.next().await.unwrap().unwrap(), Message::Pong("b".into()));
        assert_eq!(from.elapsed().as_secs(), 5, "the answer comes when the stall is over");
        talk.hub.faults.half_open(Duration::from_secs(7));
        tokio::task::yield_now().await;
        talk.ws.send(Message::Ping("c".into())).await.unwrap();
        assert!(
            talk.ws.next().await.is_none_or(|message| message.is_err()),
            "want no answer and no close frame"
        );
        assert_eq!(from.elapsed().as_secs(), 12);
        assert_eq!(talk.serving.await.unwrap(), ConnectionEnd::HalfOpen);
    }
}
