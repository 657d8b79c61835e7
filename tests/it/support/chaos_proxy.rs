//! `ChaosProxy`: stands between haggle and PostgreSQL, and cuts the connections when a test says so.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// A proxy on a port of this machine. It ends with the process.
pub struct ChaosProxy {
    pub port: u16,
    /// Counts the cuts: a connection ends when this changes.
    cuts: watch::Sender<u32>,
    is_away: Arc<AtomicBool>,
    loses_commit: Arc<AtomicBool>,
}

impl ChaosProxy {
    /// A proxy for a server that listens on a socket file.
    pub fn start(socket: PathBuf) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cuts, cut) = watch::channel(0);
        let (is_away, loses_commit) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (away, loses) = (Arc::clone(&is_away), Arc::clone(&loses_commit));
        // On a thread of its own: the tests ask the database, too, and wait for it.
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    // Before `away` is read: a cut from here on ends this connection.
                    let mut cut = cut.clone();
                    cut.mark_unchanged();
                    if away.load(Ordering::SeqCst) {
                        continue;
                    }
                    let server = UnixStream::connect(&socket).await.unwrap();
                    actix_web::rt::spawn(carry(client, server, cut, Arc::clone(&loses)));
                }
            });
        });
        Self { port, cuts, is_away, loses_commit }
    }

    /// Cuts every connection, and lets none come up again.
    pub fn cut(&self) {
        self.is_away.store(true, Ordering::SeqCst);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets connections come up again.
    pub fn restore(&self) {
        self.is_away.store(false, Ordering::SeqCst);
    }

    /// Hands the next COMMIT on, and loses its answer with the connection.
    pub fn lose_the_answer_of_the_next_commit(&self) {
        self.loses_commit.store(true, Ordering::SeqCst);
    }

    /// Whether that is still to come.
    pub fn is_commit_awaited(&self) -> bool {
        self.loses_commit.load(Ordering::SeqCst)
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: UnixStream,
    mut cut: watch::Receiver<u32>,
    loses_commit: Arc<AtomicBool>,
) {
    let (mut asked, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            _ = cut.changed() => return,
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let asked = &asked[..length];
                if server.write_all(asked).await.is_err() {
                    return;
                }
                // A simple query is one packet: "Q", its length, the words and a zero.
                if asked.windows(7).any(|window| window == b"COMMIT\0") && loses_commit.swap(false, Ordering::SeqCst) {
                    // Its answer says that it was carried out; the proxy drops the answer.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
