//! Answers' bodies: shared, and handed out in pieces.

use std::{
    borrow::Cow,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// Bytes of one piece: with an answer's head it fits the 8 KiB that actix-http has for a connection anyway.
const PIECE_BYTES: usize = 7 * 1024;

/// A body that is handed out piece by piece. actix-http copies what it is given into the connection's own buffer, so a body
/// in one piece would be kept once for each client that does not read it.
#[derive(Debug)]
struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let Self(rest) = self.get_mut();
        if rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = rest.split_to(PIECE_BYTES.min(rest.len()));
        Poll::Ready(Some(Ok(piece)))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        Ok(self.0)
    }
}

/// A body that is handed out in pieces if it is long.
#[must_use]
pub fn in_pieces<B: MessageBody + 'static>(body: B) -> BoxBody {
    match body.try_into_bytes() {
        Ok(bytes) if bytes.len() > PIECE_BYTES => BoxBody::new(Pieces(bytes)),
        Ok(bytes) => BoxBody::new(bytes),
        Err(body) => body.boxed(),
    }
}

/// Bytes that are part of the binary are shared; others, as a debug build reads them from the disk, are kept as they are.
#[must_use]
pub fn embedded(bytes: Cow<'static, [u8]>) -> Bytes {
    match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn a_long_body_comes_in_pieces_that_share_its_bytes() {
        let whole = Bytes::from((0..20_000_u32).flat_map(u32::to_be_bytes).collect::<Vec<u8>>());
        let mut pieces = in_pieces(whole.clone());
        assert_eq!(pieces.size(), BodySize::Sized(80_000));
        let mut got = 0;
        while let Some(piece) = std::future::poll_fn(|cx| Pin::new(&mut pieces).poll_next(cx)).await {
            let piece = piece.unwrap();
            assert!(piece.len() <= PIECE_BYTES);
            assert_eq!(piece.as_ptr(), whole[got..].as_ptr(), "a copy");
            got += piece.len();
        }
        assert_eq!(got, whole.len());
        assert_eq!(to_bytes(in_pieces(whole.clone())).await.unwrap(), whole);
        assert_eq!(in_pieces(whole.slice(..100)).try_into_bytes().unwrap(), whole[..100]);
    }
}
