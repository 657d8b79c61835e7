//! The threads that decode images, and whose turn it is.
//!
//! There are two, so that image work takes a bounded part of the memory and of the processor. One is for small images alone,
//! so that they never wait for someone else's large one. The other is for large images, and helps with the small ones. Each
//! account has one image at work at a time, and accounts are served in turn by what their images cost: the bytes of their
//! pixels, and the time that they took. A thread lives as long as it has work.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{EncodedImage, ImageError, ImageHeader, encode};
use crate::domain::{Account, FairQueue};

/// What an account may spend per round, in bytes of decoded pixels: a photograph of 12 million of them.
const QUANTUM: u64 = 36 * 1024 * 1024;

/// The cost of one second, in bytes of decoded pixels: about as many as are decoded in it.
const BYTES_PER_SECOND: u64 = 100 * 1024 * 1024;

/// Where images are decoded. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lanes(Arc<Mutex<Schedule<EncodingJob>>>);

/// Why an image came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotEncoded {
    /// It is not one that is taken.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Decoding it failed in a way that is not its sender's fault.
    #[error("the thread that decoded an image ended")]
    Failed,
}

type Encode = dyn FnOnce(&ImageHeader) -> Result<EncodedImage, ImageError> + Send;

/// An image that waits for its turn.
struct EncodingJob {
    header: ImageHeader,
    encode: Box<Encode>,
    answer: oneshot::Sender<Result<EncodedImage, ImageError>>,
}

impl std::fmt::Debug for EncodingJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncodingJob").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Lanes {
    /// Encodes an image again when it is its account's turn. What was sent is dropped once it is decoded, and when nobody waits
    /// any more.
    ///
    /// # Errors
    /// [`NotEncoded`].
    pub async fn encode<S>(&self, account: Account, header: ImageHeader, sent: S) -> Result<EncodedImage, NotEncoded>
    where
        S: AsRef<[u8]> + Send + 'static,
    {
        let (answer, encoded) = oneshot::channel();
        let job = EncodingJob { header, encode: Box::new(move |header| encode(sent, header)), answer };
        let start = {
            let mut schedule = lock(&self.0);
            schedule.push(account, ImageLane::of(&header), header.decoded_bytes(), job);
            schedule.start()
        };
        self.spawn(start);
        Ok(encoded.await.map_err(|_| NotEncoded::Failed)??)
    }

    fn spawn(&self, lanes: Vec<ImageLane>) {
        for lane in lanes {
            let schedule = self.clone();
            let spawned = thread::Builder::new().name("haggle-image".to_owned()).spawn(move || schedule.run(lane));
            if let Err(error) = spawned {
                log::error!("no thread for images: {error}");
                lock(&self.0).stopped(lane);
            }
        }
    }

    fn run(&self, lane: ImageLane) {
        loop {
            let Some((account, EncodingJob { header, encode, answer })) = lock(&self.0).next(lane) else { return };
            let began = Instant::now();
            // Work that nobody waits for any more is dropped.
            if !answer.is_closed() {
                match catch_unwind(AssertUnwindSafe(|| encode(&header))) {
                    Ok(encoded) => drop(answer.send(encoded)),
                    Err(_) => log::error!("decoding an image panicked: {header:?}"),
                }
            }
            // Before the next one: the C library would keep a peak for each thread that had one.
            if ImageLane::of(&header) == ImageLane::Large {
                haggle_heap::give_back();
            }
            let start = {
                let mut schedule = lock(&self.0);
                schedule.done(&account, header.decoded_bytes(), began.elapsed());
                schedule.start()
            };
            self.spawn(start);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds it panics half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread and the images that it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImageLane {
    /// Small images.
    Small,
    /// Large images, and small ones where no large one waits.
    Large,
}

impl ImageLane {
    const ALL: [Self; 2] = [Self::Small, Self::Large];

    fn of(header: &ImageHeader) -> Self {
        if header.is_small() { Self::Small } else { Self::Large }
    }
}

/// Whose image is next.
#[derive(Debug)]
struct Schedule<T> {
    waiting: [FairQueue<Account, T>; 2],
    /// Accounts with an image at work.
    busy: HashSet<Account>,
    running: [bool; 2],
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        let queue = || FairQueue::new(QUANTUM);
        Self { waiting: [queue(), queue()], busy: HashSet::new(), running: [false; 2] }
    }
}

impl<T> Schedule<T> {
    fn push(&mut self, account: Account, lane: ImageLane, cost: u64, work: T) {
        self.waiting[lane as usize].push(account, cost, work);
    }

    /// The lanes whose threads are to be started: they have work and do not run.
    fn start(&mut self) -> Vec<ImageLane> {
        let waits = |queue: &FairQueue<Account, T>| !queue.is_empty();
        let any = self.waiting.iter().any(waits);
        let mut start = Vec::new();
        for lane in ImageLane::ALL {
            let has_work = match lane {
                ImageLane::Small => waits(&self.waiting[ImageLane::Small as usize]),
                ImageLane::Large => any,
            };
            if has_work && !self.running[lane as usize] {
                self.running[lane as usize] = true;
                start.push(lane);
            }
        }
        start
    }

    /// The next work for a lane's thread; with `None` the thread ends.
    fn next(&mut self, lane: ImageLane) -> Option<(Account, T)> {
        let queues: &[ImageLane] = match lane {
            ImageLane::Small => &[ImageLane::Small],
            ImageLane::Large => &[ImageLane::Large, ImageLane::Small],
        };
        for queue in queues {
            let busy = &self.busy;
            if let Some((account, work)) = self.waiting[*queue as usize].pop_if(|account| !busy.contains(account)) {
                self.busy.insert(account.clone());
                return Some((account, work));
            }
        }
        self.stopped(lane);
        None
    }

    fn stopped(&mut self, lane: ImageLane) {
        self.running[lane as usize] = false;
    }

    /// An account's work is done. Time beyond the estimate is charged.
    fn done(&mut self, account: &Account, expected: u64, took: Duration) {
        self.busy.remove(account);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).saturating_mul(BYTES_PER_SECOND / 1000);
        for queue in &mut self.waiting {
            queue.charge(account, took.saturating_sub(expected));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    const MEGABYTE: u64 = 1024 * 1024;

    fn user(name: &str) -> Account {
        UserId::new(name).unwrap().into()
    }

    fn names(next: Option<(Account, &'static str)>) -> Option<&'static str> {
        next.map(|(_, work)| work)
    }

    #[test]
    fn a_small_image_does_not_wait_for_another_accounts_large_ones() {
        let mut schedule = Schedule::default();
        schedule.push(user("mallory"), ImageLane::Large, 150 * MEGABYTE, "mallory's first");
        schedule.push(user("mallory"), ImageLane::Large, 150 * MEGABYTE, "mallory's second");
        assert_eq!(schedule.start(), [ImageLane::Large]);
        assert_eq!(names(schedule.next(ImageLane::Large)), Some("mallory's first"));
        schedule.push(user("bob"), ImageLane::Small, MEGABYTE, "bob's");
        assert_eq!(schedule.start(), [ImageLane::Small]);
        assert_eq!(names(schedule.next(ImageLane::Small)), Some("bob's"));
    }

    #[test]
    fn large_images_of_two_accounts_take_turns() {
        let mut schedule = Schedule::default();
        for name in ["m1", "m2", "m3", "m4"] {
            schedule.push(user("mallory"), ImageLane::Large, 30 * MEGABYTE, name);
        }
        schedule.push(user("bob"), ImageLane::Large, 30 * MEGABYTE, "bob's");
        let mut order = Vec::new();
        while let Some((account, work)) = schedule.next(ImageLane::Large) {
            order.push(work);
            schedule.done(&account, 30 * MEGABYTE, Duration::ZERO);
        }
        assert!(order.iter().position(|work| *work == "bob's").is_some_and(|place| place <= 1), "{order:?}");
    }

    #[test]
    fn an_account_has_one_image_at_work_and_its_time_counts() {
        let mut schedule = Schedule::default();
        for name in ["m1", "m2", "m3", "m4"] {
            schedule.push(user("mallory"), ImageLane::Small, MEGABYTE, name);
        }
        assert_eq!(names(schedule.next(ImageLane::Small)), Some("m1"));
        assert_eq!(names(schedule.next(ImageLane::Large)), None, "mallory's other images wait for the first");
        schedule.push(user("bob"), ImageLane::Small, MEGABYTE, "b1");
        schedule.push(user("bob"), ImageLane::Small, MEGABYTE, "b2");
        // It looked small and took long.
        schedule.done(&user("mallory"), MEGABYTE, Duration::from_secs(10));
        for name in ["b1", "b2", "m2"] {
            let (account, work) = schedule.next(ImageLane::Small).unwrap();
            assert_eq!(work, name);
            schedule.done(&account, MEGABYTE, Duration::ZERO);
        }
    }

    #[test]
    fn a_thread_that_ended_is_started_when_there_is_work_for_it_again() {
        let mut schedule = Schedule::default();
        schedule.push(user("mallory"), ImageLane::Small, 1, "m1");
        schedule.push(user("mallory"), ImageLane::Small, 1, "m2");
        assert_eq!(schedule.start(), [ImageLane::Small, ImageLane::Large]);
        assert_eq!(names(schedule.next(ImageLane::Small)), Some("m1"));
        assert_eq!(names(schedule.next(ImageLane::Large)), None);
        schedule.done(&user("mallory"), 1, Duration::ZERO);
        assert_eq!(schedule.start(), [ImageLane::Large]);
        assert_eq!(names(schedule.next(ImageLane::Large)), Some("m2"));
        assert_eq!(names(schedule.next(ImageLane::Small)), None);
    }

    #[actix_web::test]
    async fn an_image_is_written_anew_and_a_damaged_one_is_refused() {
        let mut png = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(40, 30).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let png = png.into_inner();
        let lanes = Lanes::default();
        let header = ImageHeader::read(&png).unwrap();
        let encoded = lanes.encode(user("alice"), header, png.clone()).await.unwrap();
        assert_eq!((encoded.width, encoded.height, encoded.extension), (40, 30, "jpg"));
        let cut = lanes.encode(user("alice"), header, png[..60].to_vec()).await;
        assert!(matches!(cut, Err(NotEncoded::Image(ImageError::Damaged))));
    }
}
