//! How much a page may still hold, in bytes: it is counted while rows are read, so that nothing larger is ever in memory.

/// Bytes that are left. What comes first has space whatever it weighs, so that a page always goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Space {
    left: usize,
    is_untouched: bool,
}

impl Space {
    /// Space for so many bytes.
    pub(in crate::db) const fn of(bytes: usize) -> Self {
        Self { left: bytes, is_untouched: true }
    }

    /// Takes so many bytes, and says whether there was space for them. Once there was none, there is none for anything.
    pub(in crate::db) const fn takes(&mut self, bytes: usize) -> bool {
        let has_space = self.is_untouched || bytes <= self.left;
        self.is_untouched = false;
        self.left = if has_space { self.left.saturating_sub(bytes) } else { 0 };
        has_space
    }

    /// Bytes that are left.
    #[cfg(feature = "postgres")]
    pub(in crate::db) const fn left(&self) -> usize {
        self.left
    }

    /// Whether it is full: only what weighs nothing has space.
    pub(in crate::db) const fn is_full(&self) -> bool {
        !self.is_untouched && self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_space_whatever_it_weighs_and_then_only_what_fits() {
        let mut space = Space::of(10);
        assert!(space.takes(4) && space.takes(6) && space.is_full() && !space.takes(1));
        let mut space = Space::of(10);
        assert!(space.takes(4) && !space.takes(7) && !space.takes(1), "no hole");
        let mut space = Space::of(10);
        assert!(!space.is_full() && space.takes(1000) && space.is_full() && !space.takes(1));
    }
}
