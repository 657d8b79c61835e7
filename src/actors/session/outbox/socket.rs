//! The socket under a connection: written to by whoever fills the outbox, and shut down while something hangs in it.

use std::{io, net::Shutdown, sync::Arc, time::Duration};

use socket2::Socket;

/// A second handle of a connection's socket.
#[derive(Debug, Clone)]
pub struct ConnectionSocket {
    socket: Arc<Socket>,
    is_plain: bool,
}

impl ConnectionSocket {
    /// Takes a second handle. `is_plain` says that bytes go out as they are; under TLS only the stream's owner can write.
    #[must_use]
    pub fn new(socket: Socket, is_plain: bool) -> Self {
        Self { socket: Arc::new(socket), is_plain }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Hands bytes to the kernel and never waits: the handle shares the non-blocking mode of the connection's own.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes)
    }

    pub(super) fn shut_down(&self) {
        // Fails when the peer was faster, which is what is wanted.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Shuts the connection down after a while, if it still stands then.
    pub fn shut_down_after(&self, wait: Duration) {
        let socket = Arc::downgrade(&self.socket);
        actix::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(socket) = socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
    }
}
