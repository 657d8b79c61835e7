//! Answers' bodies: handed out in pieces, shared where they are part of the binary, and weighed where they are not.

use std::{
    borrow::Cow,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use crate::{
    chat::quota::{KeyedQuota, QuotaGuard},
    domain::Account,
};

/// Bytes of one piece: with an answer's head it fits the 8 KiB that actix-http has for a connection anyway.
pub const PIECE_BYTES: usize = 7 * 1024;

/// Bytes of answers of one account that wait for their client to read them. One answer may be longer by itself.
pub const UNSENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A body that is handed out piece by piece. actix-http copies what it is given into the connection's own buffer, so a body
/// in one piece would be kept once for each client that does not read it.
#[derive(Debug)]
pub struct Pieces {
    rest: Bytes,
    /// Counts it for its account.
    _unsent: Option<Unsent>,
}

impl Pieces {
    /// A body that is kept anyway, however many ask for it.
    #[must_use]
    pub fn shared(bytes: Bytes) -> Self {
        Self { rest: bytes, _unsent: None }
    }

    /// A body that was made for one answer.
    #[must_use]
    pub fn weighed(bytes: Bytes, unsent: Option<Unsent>) -> Self {
        Self { rest: bytes, _unsent: unsent }
    }

    /// A file of the binary. Those that a debug build reads from the disk are kept as they are.
    #[must_use]
    pub fn embedded(bytes: Cow<'static, [u8]>) -> Self {
        Self::shared(match bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        })
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self { rest, .. } = self.get_mut();
        if rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = rest.split_to(PIECE_BYTES.min(rest.len()));
        Poll::Ready(Some(Ok(piece)))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        // It would lose what it is.
        Err(self)
    }
}

/// Bytes of answers that wait to be sent, by account: a client that asks for more than it reads is refused before they are
/// many.
pub type UnsentAnswers = KeyedQuota<Account>;

/// One answer that waits; counted until this is dropped.
pub type Unsent = QuotaGuard<Account>;

/// Counts an answer of this many bytes; `None` when its account has too many that wait. An answer alone may have any length.
#[must_use]
pub fn count_unsent(answers: &Arc<UnsentAnswers>, account: Account, bytes: usize) -> Option<Unsent> {
    answers.take(account, bytes.min(UNSENT_BYTES_MAX), UNSENT_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[actix_web::test]
    async fn a_long_body_comes_in_pieces_that_share_its_bytes() {
        let whole = Bytes::from((0..20_000_u32).flat_map(u32::to_be_bytes).collect::<Vec<u8>>());
        let mut pieces = Pieces::shared(whole.clone());
        assert_eq!(pieces.size(), BodySize::Sized(80_000));
        let mut got = 0;
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut pieces).poll_next(cx)).await {
            let piece = piece.unwrap();
            assert!(piece.len() <= PIECE_BYTES);
            assert_eq!(piece.as_ptr(), whole[got..].as_ptr(), "a copy");
            got += piece.len();
        }
        assert_eq!(got, whole.len());
    }

    #[test]
    fn an_account_has_so_many_bytes_of_answers_that_wait_and_others_have_their_own() {
        let answers = Arc::new(UnsentAnswers::default());
        let account = |address: &str| Account::from(address.parse::<std::net::IpAddr>().unwrap());
        let (one, other) = (account("192.0.2.1"), account("192.0.2.2"));
        let long = count_unsent(&answers, one.clone(), 3 * UNSENT_BYTES_MAX);
        assert!(long.is_some(), "an answer alone may have any length");
        assert!(count_unsent(&answers, one.clone(), 1).is_none());
        assert!(count_unsent(&answers, other, UNSENT_BYTES_MAX).is_some());
        drop(long);
        let half = count_unsent(&answers, one.clone(), UNSENT_BYTES_MAX / 2);
        assert!(half.is_some() && count_unsent(&answers, one.clone(), UNSENT_BYTES_MAX / 2).is_some());
        assert!(count_unsent(&answers, one, UNSENT_BYTES_MAX).is_none());
    }
}
