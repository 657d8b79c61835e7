//! What a server of the tests' own is sent.

use std::collections::HashMap;

use tokio::{io::AsyncReadExt, net::TcpStream};

/// A POST as it came.
#[derive(Debug, Clone)]
pub struct Posted {
    pub path: String,
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Posted {
    /// Reads the next one of a connection; `None` at its end.
    pub async fn read(tcp: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let headers: HashMap<String, String> = head
                    .lines()
                    .skip(1)
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                    .collect();
                let length: usize = headers["content-length"].parse().unwrap();
                if bytes.len() >= end + 4 + length {
                    let path = head.strip_prefix("POST ").unwrap().split(' ').next().unwrap().to_owned();
                    return Some(Self { path, headers, body: bytes[end + 4..end + 4 + length].to_vec() });
                }
            }
            if tcp.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
    }
}
