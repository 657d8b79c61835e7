//! The socket under a connection: written to by the caller that fills the outbox, and shut down even while a write hangs in
//! it.

use std::{io, net::Shutdown, sync::Arc, time::Duration};

use socket2::SockRef;
use tokio::net::TcpStream;

/// A connection's socket, shared with the stream that reads from it: one file descriptor, two owners.
#[derive(Debug, Clone)]
pub struct ConnectionSocket {
    stream: Arc<TcpStream>,
    is_plain: bool,
}

impl ConnectionSocket {
    /// Shares a stream. `is_plain` says that bytes go out as they are; under TLS only the stream's owner can write.
    #[must_use]
    pub fn new(stream: Arc<TcpStream>, is_plain: bool) -> Self {
        Self { stream, is_plain }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Hands bytes to the kernel and never waits: the socket is in non-blocking mode.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(&*self.stream).send(bytes)
    }

    pub(super) fn shut_down(&self) {
        shut_down(&self.stream);
    }

    /// Shuts the connection down after a while, if it is still open then.
    pub fn shut_down_after(&self, wait: Duration) {
        let stream = Arc::downgrade(&self.stream);
        actix::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(stream) = stream.upgrade() {
                shut_down(&stream);
            }
        });
    }
}

/// Ends a connection in both directions. Anyone who reads from it or writes to it notices.
pub fn shut_down(stream: &TcpStream) {
    // Fails when the peer was faster, which is what is wanted.
    let _ = SockRef::from(stream).shutdown(Shutdown::Both);
}
