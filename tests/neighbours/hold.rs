//! Connections that are opened and then held: silent, slow, or never read.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    attack::{Attacker, Stage},
    stream::ATTACKER,
};

/// How often each held connection sends its next byte.
const DRIP_EVERY: Duration = Duration::from_millis(500);

/// How long a write may hang in a server that does not read.
const WRITE_MAX: Duration = Duration::from_millis(200);

/// What is done with each connection.
pub struct Hold {
    /// Connections that are open at once, at most.
    pub connections: usize,
    /// What each sends when it is open.
    pub sends: Vec<u8>,
    /// What it sends then, byte for byte.
    pub drips: Option<u8>,
    /// Whether its receive buffer is as small as can be: it reads nothing.
    pub deaf: bool,
}

impl Hold {
    /// Connections that send this, and then nothing.
    pub fn silent(connections: usize, sends: impl Into<Vec<u8>>) -> Self {
        Self { connections, sends: sends.into(), drips: None, deaf: false }
    }

    /// Connections that send this, and then byte for byte.
    pub fn slow(connections: usize, sends: impl Into<Vec<u8>>, drips: u8) -> Self {
        Self { drips: Some(drips), ..Self::silent(connections, sends) }
    }

    /// Connections that send this, and read nothing.
    pub fn deaf(connections: usize, sends: impl Into<Vec<u8>>) -> Self {
        Self { deaf: true, ..Self::silent(connections, sends) }
    }
}

impl Attacker {
    /// Opens connections and holds them, until the attack has ended. Those that the server ends are replaced.
    pub async fn hold(self: Rc<Self>, hold: Hold) {
        self.ready().await;
        let mut held: Vec<TcpStream> = Vec::new();
        let mut dripped = Instant::now();
        loop {
            while held.len() < hold.connections {
                if self.take().is_none() {
                    return self.reached(Stage::Over).await;
                }
                match self.hold_one(&hold).await {
                    Some(tcp) => held.push(tcp),
                    None => _ = self.returns().await,
                }
                if dripped.elapsed() > DRIP_EVERY {
                    break;
                }
            }
            if self.is_timed() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            } else if held.len() >= hold.connections {
                return self.reached(Stage::Over).await;
            }
            if dripped.elapsed() > DRIP_EVERY {
                dripped = Instant::now();
                held.retain(|tcp| is_open(tcp, hold.drips, hold.deaf));
            }
        }
    }

    async fn hold_one(&self, hold: &Hold) -> Option<TcpStream> {
        let opened = if hold.deaf { self.target.deaf(ATTACKER).await } else { self.target.tcp(ATTACKER).await };
        let mut tcp = opened.ok()?;
        // A server that takes no more has been sent enough.
        let _ = tokio::time::timeout(WRITE_MAX, tcp.write_all(&hold.sends)).await;
        Some(tcp)
    }
}

/// Sends the next byte, and sees whether the server has ended the connection.
fn is_open(tcp: &TcpStream, drips: Option<u8>, deaf: bool) -> bool {
    if let Some(byte) = drips
        && let Err(error) = tcp.try_write(&[byte])
    {
        return error.kind() == std::io::ErrorKind::WouldBlock;
    }
    let mut answer = [0; 4096];
    // A client that reads nothing notices only by an error.
    deaf || loop {
        match tcp.try_read(&mut answer) {
            Ok(0) => break false,
            Ok(_) => {}
            Err(error) => break error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}
