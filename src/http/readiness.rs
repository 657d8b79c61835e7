//! What readiness knows of the database.

use std::time::Instant;

use tokio::sync::Mutex;

/// The database's last answer. Requests that arrive during a check wait, and they share the next check. So there is one
/// check at a time, however many requests come, and no answer is older than its request.
#[derive(Debug, Default)]
pub struct DatabaseLooks(Mutex<Option<(Instant, &'static str)>>);

impl DatabaseLooks {
    pub(super) async fn share(&self, ask: impl AsyncFnOnce() -> &'static str) -> &'static str {
        let came = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, said)) = last.filter(|(asked, _)| *asked >= came) {
            return said;
        }
        let asked = Instant::now();
        let said = ask().await;
        *last = Some((asked, said));
        said
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[actix_web::test]
    async fn many_who_ask_at_once_share_an_answer_that_is_not_older_than_they_are() {
        let (looks, asked) = (DatabaseLooks::default(), Cell::new(0));
        let ask = || {
            looks.share(async || {
                asked.set(asked.get() + 1);
                tokio::task::yield_now().await;
                "ok"
            })
        };
        futures_util::future::join_all((0..100).map(|_| ask())).await;
        assert!(asked.get() <= 2, "{} questions", asked.get());
        let before = asked.get();
        ask().await;
        assert_eq!(asked.get(), before + 1, "an answer from before");
    }
}
