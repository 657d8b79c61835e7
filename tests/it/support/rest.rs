//! A client of REST: one request per connection.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::within;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request with a bearer token and reads the answer.
pub async fn call(addr: SocketAddr, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("content-type", "application/json")];
    if !token.is_empty() {
        headers.push(("authorization", &bearer));
    }
    send(addr, method, path, &headers, body.as_bytes()).await
}

/// Sends an image and other fields as `multipart/form-data`.
pub async fn upload(addr: SocketAddr, token: &str, path: &str, image: &[u8], fields: &[(&str, &str)]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--part\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--part\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(image);
    body.extend_from_slice(b"\r\n--part--\r\n");
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "multipart/form-data; boundary=part"), ("authorization", &*bearer)];
    send(addr, "POST", path, &headers, &body).await
}

/// Sends one request with these headers and reads the answer.
pub async fn send(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    tcp.write_all(head.as_bytes()).await.unwrap();
    // A body that is too large is answered before it has arrived.
    let _ = tcp.write_all(body).await;
    let answer = within("an answer", read_answer(&mut tcp, method)).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    let value = serde_json::from_str(&body).unwrap_or_else(|_| Value::String(body.clone()));
    Answer { status, head: head.to_owned(), body: value, text: body }
}

/// Reads an answer until it is complete, as any client does: after a body that the server did not read, it keeps the
/// connection for a second.
async fn read_answer(tcp: &mut TcpStream, method: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    while !is_complete(&answer, method) && matches!(tcp.read_buf(&mut answer).await, Ok(1..)) {}
    answer
}

fn is_complete(answer: &[u8], method: &str) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return answer.ends_with(b"\r\n0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let has_no_body = method == "HEAD" || head.starts_with("http/1.1 204") || head.starts_with("http/1.1 304");
    let length = if has_no_body { Some(0) } else { length };
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn unchunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        out.push_str(&rest[..length]);
        body = &rest[length + 2..];
        if length == 0 {
            break;
        }
    }
    out
}
