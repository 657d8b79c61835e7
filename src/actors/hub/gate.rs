//! Where a room's history and its live messages meet: plain state, without actix and sockets.

use bytes::Bytes;

use crate::domain::Seq;

/// Whether a room's messages may pass to a session.
#[derive(Debug)]
pub(super) enum Gate {
    /// Its history is being read: what comes meanwhile waits.
    Held {
        /// What came, in order: messages with their place, and changes of messages without one.
        waiting: Vec<(Option<Seq>, Bytes)>,
        /// Bytes of it.
        bytes: usize,
    },
    /// It has everything up to and with this one.
    Open {
        /// The last one.
        after: Seq,
    },
    /// It lacks messages that it has yet to ask for, so a live one would leave a hole.
    Behind,
}

/// What becomes of a live message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It goes out now.
    Deliver(Bytes),
    /// It waits for the history, or the session has it or will ask for it.
    Kept,
    /// More waits than may.
    TooMuch,
}

impl Gate {
    /// A gate of a session that is about to enter.
    pub(super) fn held() -> Self {
        Self::Held { waiting: Vec::new(), bytes: 0 }
    }

    /// Holds back from now on. What waits already, for an entry before this one, stays.
    pub(super) fn hold(&mut self) {
        if !matches!(self, Self::Held { .. }) {
            *self = Self::held();
        }
    }

    /// Whether events that are no messages have to wait: whoever enters learns from the answer how things stand.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// A change of a message comes while the history is being read, which may have been read before it.
    pub(super) fn hold_update(&mut self, frame: Bytes, held_bytes_max: usize) -> Passage {
        let Self::Held { waiting, bytes } = self else { return Passage::Deliver(frame) };
        *bytes += frame.len();
        if *bytes > held_bytes_max {
            return Passage::TooMuch;
        }
        waiting.push((None, frame));
        Passage::Kept
    }

    /// A live message comes.
    pub(super) fn pass(&mut self, seq: Seq, frame: impl FnOnce() -> Bytes, held_bytes_max: usize) -> Passage {
        match self {
            Self::Held { waiting, bytes } => {
                let frame = frame();
                *bytes += frame.len();
                if *bytes > held_bytes_max {
                    return Passage::TooMuch;
                }
                waiting.push((Some(seq), frame));
                Passage::Kept
            }
            Self::Open { after } if seq > *after => {
                *after = seq;
                Passage::Deliver(frame())
            }
            Self::Open { .. } | Self::Behind => Passage::Kept,
        }
    }

    /// The history was read up to `after`. Returns what waited behind that, to go out now. With `behind` the answer did not
    /// reach that far, and nothing goes out.
    pub(super) fn open(&mut self, after: Seq, behind: bool) -> Vec<Bytes> {
        // An answer that was read before an earlier one does not turn the gate back.
        let passed = if let Self::Open { after } = self { *after } else { Seq(0) };
        let opened = if behind { Self::Behind } else { Self::Open { after: after.max(passed) } };
        let before = std::mem::replace(self, opened);
        let Self::Held { waiting, .. } = before else { return Vec::new() };
        let mut out = Vec::new();
        for (seq, frame) in waiting {
            match seq {
                None => out.push(frame),
                Some(seq) if seq > after && !behind => {
                    *self = Self::Open { after: seq };
                    out.push(frame);
                }
                Some(_) => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        /// Somebody says something, and it is committed and delivered.
        Say,
        /// The session asks to enter with what it has; its history is read some messages later.
        Enter,
        /// The history of the entry that is out comes back.
        Read,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![4 => Just(Step::Say), 1 => Just(Step::Enter), 2 => Just(Step::Read)];
        prop::collection::vec(step, 0..200)
    }

    const PAGE: i64 = 5;

    proptest! {
        #[test]
        fn a_session_gets_every_message_in_order_and_once(steps in steps()) {
            let mut gate = Gate::Open { after: Seq(0) };
            let (mut last, mut got, mut entering) = (0, Vec::new(), false);
            for step in steps {
                match step {
                    Step::Say => {
                        last += 1;
                        let frame = || Bytes::from(i64::to_string(&last));
                        if let Passage::Deliver(_) = gate.pass(Seq(last), frame, usize::MAX) {
                            got.push(last);
                        }
                    }
                    Step::Enter if !entering => {
                        entering = true;
                        gate.hold();
                    }
                    Step::Read if entering => {
                        entering = false;
                        let after = got.last().copied().unwrap_or(0);
                        let page: Vec<i64> = (after + 1..=last).take(usize::try_from(PAGE).unwrap()).collect();
                        let behind = page.last().is_some_and(|end| *end < last);
                        got.extend(&page);
                        for frame in gate.open(Seq(last), behind) {
                            got.push(std::str::from_utf8(&frame).unwrap().parse().unwrap());
                        }
                    }
                    _ => {}
                }
                let whole: Vec<i64> = (1..).take(got.len()).collect();
                prop_assert_eq!(&got, &whole);
            }
        }
    }

    #[test]
    fn a_live_message_that_the_snapshot_knew_is_not_sent_again() {
        let mut gate = Gate::held();
        for seq in 1..=4 {
            assert_eq!(gate.pass(Seq(seq), || Bytes::from(seq.to_string()), 100), Passage::Kept);
        }
        assert_eq!(gate.open(Seq(2), false), ["3", "4"]);
        assert_eq!(gate.pass(Seq(4), Bytes::new, 100), Passage::Kept);
        assert_eq!(gate.pass(Seq(5), || Bytes::from_static(b"5"), 100), Passage::Deliver(Bytes::from_static(b"5")));
    }

    #[test]
    fn what_waits_for_a_history_is_bounded() {
        let mut gate = Gate::held();
        assert_eq!(gate.pass(Seq(1), || Bytes::from_static(&[0; 60]), 100), Passage::Kept);
        assert_eq!(gate.pass(Seq(2), || Bytes::from_static(&[0; 60]), 100), Passage::TooMuch);
    }

    #[test]
    fn a_change_that_comes_while_the_history_is_read_goes_out_behind_it() {
        for behind in [false, true] {
            let mut gate = Gate::held();
            assert_eq!(gate.hold_update(Bytes::from_static(b"changed"), 100), Passage::Kept);
            gate.pass(Seq(5), || Bytes::from_static(b"in the answer"), 100);
            assert_eq!(gate.open(Seq(5), behind), ["changed"]);
            let passed = gate.hold_update(Bytes::from_static(b"later"), 100);
            assert_eq!(passed, Passage::Deliver(Bytes::from_static(b"later")));
        }
        assert_eq!(Gate::held().hold_update(Bytes::from_static(b"too much"), 3), Passage::TooMuch);
    }
}
