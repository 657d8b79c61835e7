//! A TCP stream with several owners and one file descriptor: the task that reads and writes it, and what fills its
//! outbox or has to end it.

use std::{
    io::{self, IoSlice, Read},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// Whether a read that does not fill its buffer, or a write that takes only a part, shows that the kernel has no more: true
/// for edge-triggered polling. The next call then waits without asking the kernel again. tokio's own streams do the same.
const IS_EDGE_TRIGGERED: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd"
));

/// A TCP stream that is shared.
#[derive(Debug, Clone)]
pub struct SharedStream(Arc<TcpStream>);

impl SharedStream {
    /// Shares a stream.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    #[must_use]
    pub fn tcp(&self) -> &Arc<TcpStream> {
        &self.0
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        len: usize,
        send: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match transfer(&self.0, Interest::WRITABLE, len, || send(&self.0)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

/// One system call. Marks the socket as not ready for tokio as soon as that is known.
fn transfer(
    tcp: &TcpStream,
    interest: Interest,
    len: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = None;
    let outcome = tcp.try_io(interest, || {
        let count = call()?;
        done = Some(count);
        if IS_EDGE_TRIGGERED && 0 < count && count < len {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(count)
    });
    done.map_or(outcome, Ok)
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            let free = into.initialize_unfilled();
            let len = free.len();
            match transfer(&self.0, Interest::READABLE, len, || (&*SockRef::from(&*self.0)).read(free)) {
                Ok(count) => {
                    into.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, bytes.len(), |tcp| SockRef::from(tcp).send(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.poll_send(cx, len, |tcp| SockRef::from(tcp).send_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TCP has no buffer of its own here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn pair() -> (SharedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (SharedStream::new(listener.accept().await.unwrap().0), client)
    }

    #[actix_web::test]
    async fn bytes_pass_in_both_directions_whatever_their_number() {
        let (mut server, mut client) = pair().await;
        for len in [1, 100, 8192, 3_000_000] {
            let sent: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (mut up, mut down) = (vec![0; len], vec![0; len]);
            let (mut reader, mut writer) = client.split();
            let mut other = server.clone();
            let (a, b, c, d) = tokio::join!(
                server.read_exact(&mut up),
                other.write_all(&sent),
                reader.read_exact(&mut down),
                writer.write_all(&sent),
            );
            assert!(a.is_ok() && b.is_ok() && c.is_ok() && d.is_ok());
            assert!(up == sent && down == sent, "{len} bytes");
        }
        server.shutdown().await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        drop(client);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
