//! Lists that stay short for nearly everybody: the rooms of a session, the sessions of a room.

/// Makes a place for one more. A vector begins with places for four, and most of these lists hold one or two entries for as
/// long as somebody is connected; longer ones grow like any other.
pub(crate) fn reserve_one<T>(list: &mut Vec<T>) {
    if list.len() < 4 {
        list.reserve_exact(1);
    }
}
