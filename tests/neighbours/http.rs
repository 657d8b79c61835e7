//! A client of HTTP that keeps its connection and is cheap: it must not be what a row measures.

use std::{io, net::IpAddr};

use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::stream::{Stream, Target, read_more};

/// One request, without what every request has.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub token: Option<String>,
    pub content_type: &'static str,
    pub body: Bytes,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        let (path, content_type) = (path.into(), "application/json");
        Self { method, path, token: None, content_type, body: Bytes::new() }
    }

    /// With this token or key.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// With this JSON.
    pub fn json(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With an image in a form.
    pub fn image(mut self, image: &[u8]) -> Self {
        let head = "--part\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        self.body = [head.as_bytes(), image, b"\r\n--part--\r\n"].concat().into();
        self.content_type = "multipart/form-data; boundary=part";
        self
    }

    /// Its head: everything before the body.
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: localhost\r\n", self.method, self.path);
        if let Some(token) = &self.token {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("content-type: {}\r\ncontent-length: {}\r\n", self.content_type, self.body.len());
        }
        head + "\r\n"
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a refusal.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// How long a refused client shall wait, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.json()["retryAfterMs"].as_u64()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection that is used for one request after the other.
pub struct Http {
    stream: Stream,
    inbox: BytesMut,
}

impl Http {
    /// Connects.
    pub async fn open(target: &Target, from: IpAddr) -> io::Result<Self> {
        Ok(Self { stream: target.open(from).await?, inbox: BytesMut::new() })
    }

    /// Sends a request and reads the answer.
    pub async fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        let mut bytes = request.head().into_bytes();
        bytes.extend_from_slice(&request.body);
        // A body that is refused by its head is answered while it is still on its way; what fails then is the reading.
        let _ = self.stream.write_all(&bytes).await;
        self.answer(request.method != "HEAD").await
    }

    async fn answer(&mut self, has_body: bool) -> io::Result<Answer> {
        let end = loop {
            match self.inbox.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => read_more(&mut self.stream, &mut self.inbox).await?,
            }
        };
        let head = String::from_utf8_lossy(&self.inbox.split_to(end)).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Answer { status, head, body: Bytes::new() };
        let chunked = answer.header("transfer-encoding").is_some();
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        answer.body = match has_body {
            false => Bytes::new(),
            true if chunked => self.chunks().await?,
            true => self.take(length).await?,
        };
        Ok(answer)
    }

    async fn take(&mut self, length: usize) -> io::Result<Bytes> {
        while self.inbox.len() < length {
            read_more(&mut self.stream, &mut self.inbox).await?;
        }
        Ok(self.inbox.split_to(length).freeze())
    }

    async fn chunks(&mut self) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let end = loop {
                match self.inbox.windows(2).position(|bytes| bytes == b"\r\n") {
                    Some(end) => break end,
                    None => read_more(&mut self.stream, &mut self.inbox).await?,
                }
            };
            let line = String::from_utf8_lossy(&self.inbox.split_to(end)).into_owned();
            self.inbox.advance(2);
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            body.extend_from_slice(&self.take(length + 2).await?[..length]);
            if length == 0 {
                return Ok(body.freeze());
            }
        }
    }
}
