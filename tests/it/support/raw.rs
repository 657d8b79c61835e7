//! A client that speaks bytes: broken frames, half handshakes, and a socket that is never read.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::within;

/// A connection on which the test decides every byte.
pub struct RawClient {
    pub tcp: TcpStream,
}

impl RawClient {
    /// Connects and upgrades to the plain wire.
    pub async fn upgraded(addr: SocketAddr, token: &str) -> Self {
        let mut client = Self { tcp: TcpStream::connect(addr).await.unwrap() };
        client.upgrade(addr, token).await;
        client
    }

    /// Upgrades to the plain wire.
    pub async fn upgrade(&mut self, addr: SocketAddr, token: &str) {
        let handshake = format!(
            "GET /ws/chat HTTP/1.1\r\nhost: {addr}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        self.send(handshake.as_bytes()).await;
        let head = self.read_head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already, and what it sent is still to be read.
        let _ = self.tcp.write_all(bytes).await;
    }

    /// Sends one masked frame with this first byte.
    pub async fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.send(&frame(first, payload)).await;
    }

    /// Reads an HTTP head.
    pub async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match within("a response", self.tcp.read_u8()).await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads frames until the close frame, returns its code, and makes sure that TCP ends promptly after it.
    pub async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        loop {
            let Ok(first) = within("a frame", self.tcp.read_u8()).await else { return code };
            let length = match within("a length", self.tcp.read_u8()).await.unwrap() {
                126 => usize::from(self.tcp.read_u16().await.unwrap()),
                127 => usize::try_from(self.tcp.read_u64().await.unwrap()).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.tcp.read_exact(&mut payload).await.unwrap();
            if first == 0x88 {
                code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
    }
}

/// One masked frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..=0xFFFF => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}
