//! Where a room's history and its live messages meet, and how one session's rooms keep the order of commits: plain state,
//! without actix and sockets.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Full;
use crate::domain::{RoomId, Seq};

/// Whether a room's messages may pass to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Its history is being read: what comes in the meantime waits in the session's [`HeldFrames`].
    Held,
    /// It has everything up to and with this one.
    Open {
        /// The last one.
        after: Seq,
    },
    /// It lacks messages that it has yet to ask for, so a live one would leave a hole.
    Behind,
}

impl Gate {
    /// Holds back from now on.
    pub(super) fn hold(&mut self) {
        *self = Self::Held;
    }

    /// Whether what comes has to wait. Anything but messages is left out then: the answer to the entry contains the current
    /// state.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held)
    }

    /// Whether a message, by its place, or a change of one goes out. Not asked while the gate is held.
    pub(super) fn pass(&mut self, seq: Option<Seq>) -> bool {
        match (self, seq) {
            (Self::Open { after }, Some(seq)) if seq > *after => {
                *after = seq;
                true
            }
            // The session has it, or will ask for it.
            (_, Some(_)) => false,
            // An edit of what the session has, or of what it will then get as it stands.
            (_, None) => true,
        }
    }

    /// The history was read up to `after`. With `behind` the answer did not reach that far, and no message goes out.
    pub(super) fn open(&mut self, after: Seq, behind: bool) {
        // An answer that was read before an earlier one does not turn the gate back.
        let passed = if let Self::Open { after } = self { *after } else { Seq(0) };
        *self = if behind { Self::Behind } else { Self::Open { after: after.max(passed) } };
    }
}

/// What waits for one session, over all of its rooms, in the order in which it came.
///
/// A message waits while its room's gate is held. Then everything after it waits too, also from other rooms. The reason: a
/// client of Socket.IO that reconnects names the last message that it received, and this one position counts for all of its
/// rooms. If a later message of another room were sent first and the transport were cut then, the earlier one would count as
/// received.
#[derive(Debug, Default)]
pub(super) struct HeldFrames {
    waiting: VecDeque<HeldFrame>,
    bytes: usize,
}

/// A frame that waits.
#[derive(Debug)]
pub(super) struct HeldFrame {
    pub(super) room: RoomId,
    /// Its place; `None` for a change of an older message.
    pub(super) seq: Option<Seq>,
    pub(super) frame: Bytes,
}

impl HeldFrames {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// # Errors
    /// [`Full`] when more waits than may.
    pub(super) fn push(&mut self, waiting: HeldFrame, bytes_max: usize) -> Result<(), Full> {
        self.bytes += waiting.frame.len();
        if self.bytes > bytes_max {
            return Err(Full);
        }
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Takes the first one, unless `is_held` says of its room that it has to wait.
    pub(super) fn pop(&mut self, is_held: impl FnOnce(&RoomId) -> bool) -> Option<HeldFrame> {
        if is_held(&self.waiting.front()?.room) {
            return None;
        }
        let first = self.waiting.pop_front()?;
        self.bytes -= first.frame.len();
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        /// Someone sends a message to a room, and it is committed and delivered.
        Say(usize),
        /// The session asks to enter a room with what it has; its history is read some messages later.
        Enter(usize),
        /// The history of the pending entry arrives.
        Read(usize),
    }

    const ROOMS: usize = 3;
    const PAGE: usize = 5;

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..ROOMS).prop_map(Step::Say),
            1 => (0..ROOMS).prop_map(Step::Enter),
            2 => (0..ROOMS).prop_map(Step::Read),
        ];
        prop::collection::vec(step, 0..300)
    }

    fn id(room: usize) -> RoomId {
        RoomId::new(room.to_string()).unwrap()
    }

    /// A session in a few rooms, and what it got of each.
    struct Session {
        gates: [Gate; ROOMS],
        line: HeldFrames,
        got: [Vec<i64>; ROOMS],
        /// Places in the order of commits of what was sent live.
        offsets: Vec<i64>,
    }

    impl Session {
        fn take(&mut self, room: usize, seq: i64, position: i64) {
            if self.gates[room].pass(Some(Seq(seq))) {
                self.got[room].push(seq);
                self.offsets.push(position);
            }
        }

        fn release(&mut self) {
            let gates = self.gates;
            let place = |room: &RoomId| room.as_str().parse::<usize>().unwrap();
            while let Some(next) = self.line.pop(|room| gates[place(room)].is_held()) {
                let position = std::str::from_utf8(&next.frame).unwrap().parse().unwrap();
                self.take(place(&next.room), next.seq.unwrap().0, position);
            }
        }
    }

    proptest! {
        #[test]
        fn a_session_gets_every_message_of_each_room_once_and_all_in_the_order_of_commits(steps in steps()) {
            let mut session = Session {
                gates: [Gate::Open { after: Seq(0) }; ROOMS],
                line: HeldFrames::default(),
                got: Default::default(),
                offsets: Vec::new(),
            };
            let (mut said, mut entering, mut position) = ([0_i64; ROOMS], [false; ROOMS], 0);
            for step in steps {
                match step {
                    Step::Say(room) => {
                        said[room] += 1;
                        position += 1;
                        let seq = said[room];
                        if session.line.is_empty() && !session.gates[room].is_held() {
                            session.take(room, seq, position);
                        } else {
                            let frame = Bytes::from(position.to_string());
                            let waiting = HeldFrame { room: id(room), seq: Some(Seq(seq)), frame };
                            session.line.push(waiting, usize::MAX).unwrap();
                        }
                    }
                    Step::Enter(room) if !entering[room] => {
                        entering[room] = true;
                        session.gates[room].hold();
                    }
                    Step::Read(room) if entering[room] => {
                        entering[room] = false;
                        let after = session.got[room].last().copied().unwrap_or(0);
                        let page: Vec<i64> = (after + 1..=said[room]).take(PAGE).collect();
                        let behind = page.last().is_some_and(|end| *end < said[room]);
                        session.got[room].extend(&page);
                        session.gates[room].open(Seq(said[room]), behind);
                        session.release();
                    }
                    _ => {}
                }
                for got in &session.got {
                    prop_assert_eq!(got, &(1..).take(got.len()).collect::<Vec<i64>>());
                }
                prop_assert!(session.offsets.is_sorted(), "an older one came behind a newer one");
            }
        }
    }

    #[test]
    fn a_live_message_that_the_snapshot_knew_is_not_sent_again() {
        let mut gate = Gate::Held;
        gate.open(Seq(2), false);
        assert_eq!([2, 3, 4, 4, 5].map(|seq| gate.pass(Some(Seq(seq)))), [false, true, true, false, true]);
        gate.open(Seq(3), false);
        assert!(!gate.pass(Some(Seq(5))), "an older answer does not turn it back");
    }

    #[test]
    fn an_edit_passes_also_where_messages_do_not() {
        let mut gate = Gate::Held;
        gate.open(Seq(9), true);
        assert!(gate.pass(None) && !gate.pass(Some(Seq(10))));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut line = HeldFrames::default();
        let frame = || HeldFrame { room: id(0), seq: None, frame: Bytes::from_static(&[0; 60]) };
        line.push(frame(), 100).unwrap();
        assert!(line.push(frame(), 100).is_err());
        let mut line = HeldFrames::default();
        for _ in 0..10 {
            line.push(frame(), 100).unwrap();
            assert!(line.pop(|_| true).is_none() && line.pop(|_| false).is_some());
        }
    }
}
