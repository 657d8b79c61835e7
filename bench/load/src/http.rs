//! As much HTTP/1.1 as a load needs: one request at a time on a connection that stays open.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::workload::Failed;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest answer.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A connection that stays.
#[derive(Debug)]
pub struct HttpClient {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// 200 and so on.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl HttpClient {
    /// Connects.
    ///
    /// # Errors
    /// Nobody is there.
    pub fn connect(addr: SocketAddr, host: &str) -> Result<Self, Failed> {
        let stream = TcpStream::connect(addr).map_err(|error| Failed(format!("can't connect to {addr}: {error}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), host: host.to_owned() })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The connection broke, or the answer isn't HTTP.
    pub fn ask(&mut self, method: &str, path: &str, bearer: &str, body: Option<&str>) -> Result<Answer, Failed> {
        let content = body.map_or(String::new(), |body| {
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {bearer}\r\n{content}\r\n{}",
            self.host,
            body.unwrap_or_default()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let broken = || Failed(format!("{method} {path}: not an HTTP answer"));
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| broken())?;
            }
            is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let mut bytes = Vec::new();
        if is_chunked {
            loop {
                let size = usize::from_str_radix(self.line()?.trim(), 16).map_err(|_| broken())?;
                self.take(size, &mut bytes)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.take(length, &mut bytes)?;
        }
        Ok(Answer { status, body: bytes })
    }

    fn line(&mut self) -> Result<String, Failed> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(Failed("the server closed the connection".to_owned()));
        }
        Ok(line.trim_end().to_owned())
    }

    fn take(&mut self, length: usize, bytes: &mut Vec<u8>) -> Result<(), Failed> {
        let at = bytes.len();
        if at.saturating_add(length) > BODY_BYTES_MAX {
            return Err(Failed("an answer of more than 64 MiB".to_owned()));
        }
        bytes.resize(at + length, 0);
        Ok(self.stream.read_exact(&mut bytes[at..])?)
    }
}
