//! WebSocket frames (RFC 6455, section 5), as far as a server needs them.
//!
//! Why not a library: a library's sockets answer a ping at their next read or write, in front of what is still queued, and
//! take each message as an allocation of its own. Here pongs must keep their place among the trades, and trades are framed
//! in bulk, straight into the bytes of one write.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Largest message taken from a client; 855 codes are 9 kB.
const LARGEST_MESSAGE: usize = 1 << 20;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Text or binary: Upbit does not mind.
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close,
}

/// Why a client's bytes are no frames; the number is the close code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The client has gone.
    Gone,
    Protocol(u16),
}

/// Appends a whole frame. Server frames are not masked.
pub(super) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(len as u8),
        len @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// A whole frame.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + 10);
    append(&mut out, opcode, payload);
    out.into()
}

/// A whole close frame.
pub(super) fn close(code: u16) -> Bytes {
    frame(CLOSE, &code.to_be_bytes())
}

/// Reads a client's frames.
pub(super) struct Frames<R> {
    stream: R,
    buffer: Vec<u8>,
    message: Vec<u8>,
    fragmented: bool,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// `buffer` holds what was read behind the handshake.
    pub(super) fn new(stream: R, buffer: Vec<u8>) -> Self {
        Self {
            stream,
            buffer,
            message: Vec::new(),
            fragmented: false,
        }
    }

    /// The next frame that means something. Can be dropped while it waits without losing bytes.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn next(&mut self) -> Result<Received, Broken> {
        loop {
            if let Some((first, payload)) = self.cut()? {
                if let Some(received) = self.understand(first, payload)? {
                    return Ok(received);
                }
                continue;
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(Broken::Gone),
                Ok(_) => {}
            }
        }
    }

    /// Takes one frame off the buffer: its first byte and its payload, unmasked.
    fn cut(&mut self) -> Result<Option<(u8, Vec<u8>)>, Broken> {
        let &[first, second, ref rest @ ..] = self.buffer.as_slice() else {
            return Ok(None);
        };
        if second & 0x80 == 0 || first & 0x70 != 0 {
            return Err(Broken::Protocol(1002)); // not masked, or an extension that was not agreed on
        }
        let (length, header) = match second & 0x7f {
            126 => match rest {
                [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 4),
                _ => return Ok(None),
            },
            127 => match rest.first_chunk::<8>() {
                Some(bytes) => (u64::from_be_bytes(*bytes), 10),
                None => return Ok(None),
            },
            length => (u64::from(length), 2),
        };
        if length > LARGEST_MESSAGE as u64 {
            return Err(Broken::Protocol(1009));
        }
        let end = header + 4 + length as usize;
        if self.buffer.len() < end {
            return Ok(None);
        }
        let mask = &self.buffer[header..header + 4];
        let payload = self.buffer[header + 4..end]
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        self.buffer.drain(..end);
        Ok(Some((first, payload)))
    }

    fn understand(&mut self, first: u8, payload: Vec<u8>) -> Result<Option<Received>, Broken> {
        let last = first & 0x80 != 0;
        match first & 0x0f {
            PING | PONG | CLOSE if !last || payload.len() > 125 => Err(Broken::Protocol(1002)),
            PING => Ok(Some(Received::Ping(payload))),
            PONG => Ok(Some(Received::Pong(payload))),
            CLOSE => Ok(Some(Received::Close)),
            opcode @ (TEXT | BINARY | CONTINUATION) if self.fragmented == (opcode == CONTINUATION) => {
                self.message.extend_from_slice(&payload);
                if self.message.len() > LARGEST_MESSAGE {
                    return Err(Broken::Protocol(1009));
                }
                self.fragmented = !last;
                Ok(last.then(|| Received::Message(std::mem::take(&mut self.message))))
            }
            _ => Err(Broken::Protocol(1002)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        append(&mut out, 0, payload);
        out[0] = first;
        out[1] |= 0x80;
        let header = out.len() - payload.len();
        let mask = [1, 2, 3, 4];
        out.splice(header..header, mask);
        out[header + 4..]
            .iter_mut()
            .zip(mask.iter().cycle())
            .for_each(|(byte, key)| *byte ^= key);
        out
    }

    async fn read_all(bytes: &[u8], step: usize) -> Vec<Result<Received, Broken>> {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let mut frames = Frames::new(server, bytes[..step.min(bytes.len())].to_vec());
        tokio::io::AsyncWriteExt::write_all(&mut client, &bytes[step.min(bytes.len())..])
            .await
            .unwrap();
        drop(client);
        let mut all = Vec::new();
        loop {
            let next = frames.next().await;
            let end = next.is_err();
            all.push(next);
            if end {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn frames_are_read_wherever_the_bytes_are_cut_also_in_fragments() {
        let mut bytes = masked(0x01, b"[{\"tick");
        bytes.extend(masked(0x89, b"hello"));
        bytes.extend(masked(0x80, b"et\":1}]"));
        bytes.extend(masked(0x82, &[7; 300]));
        bytes.extend(masked(0x88, &[]));
        for step in 0..bytes.len() {
            let all = read_all(&bytes, step).await;
            assert_eq!(
                all,
                [
                    Ok(Received::Ping(b"hello".to_vec())),
                    Ok(Received::Message(b"[{\"ticket\":1}]".to_vec())),
                    Ok(Received::Message(vec![7; 300])),
                    Ok(Received::Close),
                    Err(Broken::Gone)
                ],
                "cut at byte {step}: see Frames::cut in server/websocket.rs"
            );
        }
    }

    #[tokio::test]
    async fn what_the_protocol_forbids_has_its_close_code() {
        for (bytes, code) in [
            (vec![0x81, 0x01, b'x'], 1002),                   // not masked
            (masked(0xc1, b"x"), 1002),                       // an extension's bit
            (masked(0x80, b"x"), 1002),                       // a continuation of nothing
            (masked(0x09, b"x"), 1002),                       // a ping in fragments
            (masked(0x83, b"x"), 1002),                       // an opcode that is none
            (vec![0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0], 1009), // 16 MB
        ] {
            assert_eq!(read_all(&bytes, 0).await, [Err(Broken::Protocol(code))], "{bytes:?}");
        }
    }
}
