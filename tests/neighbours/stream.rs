//! Connections of the table's clients: TCP or TLS, from an address of their own.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::BytesMut;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsConnector;

/// Where the others come from.
pub const VICTIM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where the attacker comes from.
pub const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The receive buffer of a client that does not read. The kernel doubles it.
const SMALL_BUFFER_BYTES: u32 = 4096;

/// What bytes travel over.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// An open connection.
pub type Stream = Box<dyn Transport>;

/// The server, and what its clients trust where it speaks TLS.
#[derive(Clone)]
pub struct Target {
    pub addr: SocketAddr,
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

impl Target {
    /// Opens a TCP connection from an address.
    pub async fn tcp(&self, from: IpAddr) -> io::Result<TcpStream> {
        self.tcp_of(from, None).await
    }

    /// Opens a TCP connection of a client that is going to read nothing.
    pub async fn deaf(&self, from: IpAddr) -> io::Result<TcpStream> {
        self.tcp_of(from, Some(SMALL_BUFFER_BYTES)).await
    }

    async fn tcp_of(&self, from: IpAddr, receive_bytes: Option<u32>) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(SocketAddr::new(from, 0))?;
        let tcp = socket.connect(self.addr).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    /// Opens a connection that requests can be sent on, with TLS where the server speaks it.
    pub async fn open(&self, from: IpAddr) -> io::Result<Stream> {
        let tcp = self.tcp(from).await?;
        match &self.tls {
            None => Ok(Box::new(tcp)),
            Some(config) => {
                let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
                Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?))
            }
        }
    }
}

/// Reads more into `inbox`. The end of the stream is an error: callers only wait for bytes that have to come.
pub async fn read_more(stream: &mut Stream, inbox: &mut BytesMut) -> io::Result<()> {
    inbox.reserve(16 * 1024);
    match stream.read_buf(inbox).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
