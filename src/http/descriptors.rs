//! How many files and sockets the process may have open, and how many of them connections may take.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections leave to everything else: the database's files and sockets, images, the webhook, NATS, key
/// sets, temporary files. What is open when the server starts to listen is counted separately.
const RESERVE: usize = 32;

/// Descriptors that one more worker opens: its poll, its waker, and the pipe of its signals.
const PER_WORKER: usize = 4;

/// Raises the number of descriptors that the process may have to the most that the system allows it.
///
/// Returns that number; `None` where it has no limit.
pub fn raise_limit() -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current.map(as_usize);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum.map(as_usize),
        Err(error) => {
            log::warn!("the number of open files stays at {}: {error}", current.unwrap_or(u64::MAX));
            current.map(as_usize)
        }
    }
}

/// How many connections may be open at once, of a process that may have `limit` descriptors and is about to listen with this
/// many workers.
#[must_use]
pub fn connections_max(limit: Option<usize>, workers: usize) -> usize {
    let Some(limit) = limit else { return usize::MAX };
    connections_within(limit, open_now(), workers)
}

fn connections_within(limit: usize, open_now: usize, workers: usize) -> usize {
    let others = open_now + workers * PER_WORKER + RESERVE + super::admission::SPARE_CONNECTIONS;
    // A server that could hardly accept a connection is of no use, so it then relies on the others being idle.
    limit.saturating_sub(others).max(limit / 8).max(1)
}

/// The descriptors that are open; a guess where the system does not list them.
fn open_now() -> usize {
    const GUESS: usize = 64;
    let listed = ["/proc/self/fd", "/dev/fd"].into_iter().find_map(|folder| std::fs::read_dir(folder).ok());
    listed.map_or(GUESS, Iterator::count)
}

fn as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_everything_else() {
        assert_eq!(connections_within(1024, 50, 2), 1024 - 50 - 2 * PER_WORKER - RESERVE - 16);
        assert_eq!(connections_within(64, 50, 2), 8, "a few even where nearly none are left");
        assert_eq!(connections_max(None, 2), usize::MAX);
        assert!((3..10_000).contains(&open_now()), "standard input, output and error at least");
    }

    #[test]
    fn the_limit_is_raised_to_the_most_that_is_allowed() {
        let raised = raise_limit();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!((raised, current), (maximum.map(as_usize), maximum));
    }
}
