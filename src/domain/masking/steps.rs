//! Counts the steps that the rule takes, in tests alone: they hold it to a number of steps per byte, whatever the text.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts steps of an inner loop.
#[cfg(test)]
pub(super) fn count(steps: usize) {
    STEPS.with(|counted| counted.set(counted.get() + steps));
}

/// Counts steps of an inner loop: in tests alone.
#[cfg(not(test))]
#[inline(always)]
pub(super) const fn count(_: usize) {}

/// How many steps something takes on this thread.
#[cfg(test)]
pub(super) fn counted<T>(what: impl FnOnce() -> T) -> (usize, T) {
    STEPS.with(|counted| counted.set(0));
    let result = what();
    (STEPS.with(std::cell::Cell::get), result)
}
