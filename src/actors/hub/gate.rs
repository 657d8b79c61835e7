//! Where a room's history and its live messages meet: plain state, without actix and sockets.

use bytes::Bytes;

use crate::domain::Seq;

/// Whether a room's messages may pass to a session.
#[derive(Debug)]
pub(super) enum Gate {
    /// Its history is being read: what comes meanwhile waits.
    Held {
        /// What came, in order: messages with their place, and changes of messages.
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

    /// Whether events that are no messages may pass: whoever enters learns from the answer how things stand.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// A live message comes.
    pub(super) fn pass(&mut self, seq: Seq, frame: impl FnOnce() -> Bytes, held_bytes_max: usize) -> Passage {
        match self {
            Self::Held { waiting, bytes } => Self::wait(waiting, bytes, Some(seq), frame(), held_bytes_max),
            Self::Open { after } if seq > *after => {
                *after = seq;
                Passage::Deliver(frame())
            }
            Self::Open { .. } | Self::Behind => Passage::Kept,
        }
    }

    /// A message was edited or taken back. The history that is being read may be older than that.
    pub(super) fn pass_change(&mut self, frame: Bytes, held_bytes_max: usize) -> Passage {
        match self {
            Self::Held { waiting, bytes } => Self::wait(waiting, bytes, None, frame, held_bytes_max),
            Self::Open { .. } | Self::Behind => Passage::Deliver(frame),
        }
    }

    fn wait(
        waiting: &mut Vec<(Option<Seq>, Bytes)>,
        bytes: &mut usize,
        seq: Option<Seq>,
        frame: Bytes,
        held_bytes_max: usize,
    ) -> Passage {
        *bytes += frame.len();
        if *bytes > held_bytes_max {
            return Passage::TooMuch;
        }
        waiting.push((seq, frame));
        Passage::Kept
    }

    /// The history was read up to `after`. Returns what waited behind that, to go out now. With `behind` the answer did not
    /// reach that far, and no message goes out.
    pub(super) fn open(&mut self, after: Seq, behind: bool) -> Vec<Bytes> {
        if behind {
            let Self::Held { waiting, .. } = std::mem::replace(self, Self::Behind) else { return Vec::new() };
            return waiting.into_iter().filter(|(seq, _)| seq.is_none()).map(|(_, frame)| frame).collect();
        }
        // An answer that was read before an earlier one does not turn the gate back.
        let passed = if let Self::Open { after } = self { *after } else { Seq(0) };
        let before = std::mem::replace(self, Self::Open { after: after.max(passed) });
        let Self::Held { waiting, .. } = before else { return Vec::new() };
        let unknown = waiting.into_iter().filter(|(seq, _)| seq.is_none_or(|seq| seq > after));
        let out: Vec<(Option<Seq>, Bytes)> = unknown.collect();
        if let Some(last) = out.iter().filter_map(|(seq, _)| *seq).max() {
            *self = Self::Open { after: last };
        }
        out.into_iter().map(|(_, frame)| frame).collect()
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
    fn an_edit_waits_for_the_history_and_is_not_lost() {
        let mut gate = Gate::held();
        assert_eq!(gate.pass_change(Bytes::from_static(b"edit of 1"), 100), Passage::Kept);
        assert_eq!(gate.pass(Seq(2), || Bytes::from_static(b"2"), 100), Passage::Kept);
        assert_eq!(gate.open(Seq(1), false), ["edit of 1", "2"]);
        let mut gate = Gate::held();
        gate.pass_change(Bytes::from_static(b"edit of 1"), 100);
        assert_eq!(gate.open(Seq(9), true), ["edit of 1"]);
    }

    #[test]
    fn what_waits_for_a_history_is_bounded() {
        let mut gate = Gate::held();
        assert_eq!(gate.pass(Seq(1), || Bytes::from_static(&[0; 60]), 100), Passage::Kept);
        assert_eq!(gate.pass(Seq(2), || Bytes::from_static(&[0; 60]), 100), Passage::TooMuch);
    }
}
