//! A network that can be cut in two: it drops what goes through it, without an error.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A way to one port of this machine.
pub struct Proxy {
    port: u16,
    is_cut: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// Listens on a port of its own.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(watch::Sender::new(false));
        let cut = Arc::clone(&is_cut);
        actix_web::rt::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let cut = cut.subscribe();
                actix_web::rt::spawn(async move {
                    let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    actix_web::rt::spawn(carry(near_in, far_out, cut.clone()));
                    carry(far_in, near_out, cut).await;
                });
            }
        });
        Self { port, is_cut }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on whatever is sent through it is lost; connections stay open, and new ones get no answer.
    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// From now on it carries again. What was cut can't go on where it was, so those connections end.
    pub fn heal(&self) {
        self.is_cut.send_replace(false);
    }
}

/// Carries one direction until an end closes it, or until it has lost something and the cut has ended.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut is_cut: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    let mut has_lost = false;
    loop {
        tokio::select! {
            changed = is_cut.changed() => {
                if changed.is_err() || (has_lost && !*is_cut.borrow()) {
                    return;
                }
            }
            read = from.read(&mut buffer) => {
                let Ok(length @ 1..) = read else { return };
                if *is_cut.borrow() {
                    has_lost = true;
                } else if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
