use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::domain::{Draft, MessageKind, Screened, Seq, Timestamp, UserId};

fn pending(write: Write) -> PendingWrite {
    PendingWrite { write, room: None, reply: ReplyTo::Nobody }
}

fn read_by(reader: &str, seq: i64) -> PendingWrite {
    let (room, reader) = (RoomId::new("r").unwrap(), UserId::new(reader).unwrap());
    pending(Write::MarkRead { room, reader, seq: Seq(seq) })
}

fn said(sender: &str, bytes: usize) -> PendingWrite {
    pending(Write::Append(Draft {
        room: RoomId::new("r").unwrap(),
        sender: UserId::new(sender).unwrap(),
        client_id: None,
        kind: MessageKind::Text,
        text: Some("x".repeat(bytes)),
        data: None,
        reply_to: None,
        sent_at: Timestamp(0),
        screened: Screened::Clean,
        by_staff: false,
    }))
}

/// Who is in a batch, and with what `seq`, where it is a read mark.
fn take(batch: &mut Batch) -> Vec<(Account, i64)> {
    let Some(writes) = batch.take() else { return Vec::new() };
    batch.landed();
    let seq = |write: &Write| if let Write::MarkRead { seq, .. } = write { seq.0 } else { 0 };
    writes.iter().map(|write| (write.account(), seq(write))).collect()
}

#[test]
fn one_batch_is_in_flight_and_the_next_gathers() {
    let mut batch = Batch::default();
    for seq in 0..1000 {
        batch.push(read_by("u", seq)).unwrap();
    }
    assert_eq!(batch.take().unwrap().len(), BATCH_WRITES_MAX);
    assert!(batch.take().is_none());
    batch.landed();
    assert_eq!(batch.take().unwrap().len(), 1000 - BATCH_WRITES_MAX);
    assert_ne!(batch.unfinished(), 0);
    batch.landed();
    assert!(batch.unfinished() == 0 && batch.shared.cost() == 0 && batch.fitting_cost == 0);
}

#[test]
fn many_heavy_changes_of_one_user_leave_another_a_place_in_the_next_batch() {
    let mut batch = Batch::default();
    let heavy = (0..1000).take_while(|_| batch.push(said("mallory", 16 * 1024)).is_ok()).count();
    assert!(heavy > 50, "{heavy}");
    for seq in 0..5 {
        batch.push(read_by("alice", seq)).unwrap();
    }
    let alice = Account::User(UserId::new("alice").unwrap());
    let served = take(&mut batch);
    let hers: Vec<i64> = served.iter().filter(|(account, _)| *account == alice).map(|(_, seq)| *seq).collect();
    assert_eq!(hers, [0, 1, 2, 3, 4]);
    assert!(served.iter().position(|(account, _)| *account == alice) <= Some(1), "{served:?}");
}

#[test]
fn a_batch_is_bounded_in_what_it_costs() {
    let mut batch = Batch::default();
    for user in ["alice", "bob", "carol"] {
        for _ in 0..50 {
            batch.push(said(user, 16 * 1024)).unwrap();
        }
    }
    while let Some(writes) = batch.take() {
        batch.landed();
        let cost: usize = writes.iter().map(Write::cost_bytes).sum();
        assert!(cost < BATCH_COST_MAX + 32 * 1024, "{cost}");
    }
    assert_eq!(batch.unfinished(), 0);
}

#[test]
fn what_one_user_has_waiting_is_bounded_in_number_and_in_cost() {
    let refused_at = |change: &dyn Fn(i64) -> PendingWrite| {
        let mut batch = Batch::default();
        let refused =
            (0..20_000).find_map(|number| batch.push(change(number)).err().map(|refused| (number, refused.1)));
        assert!(batch.push(read_by("bob", 1)).is_ok(), "another one has room");
        refused.unwrap()
    };
    assert_eq!(refused_at(&|seq| read_by("alice", seq)), (1024, Full::OwnShare));
    let (messages, full) = refused_at(&|_| said("alice", 16 * 1024));
    assert!(full == Full::OwnShare && (55..=64).contains(&messages), "{messages}");
}

#[test]
fn what_waits_is_bounded() {
    let mut batch = Batch::default();
    let full = (0..20_000).find_map(|seq| batch.push(read_by(&format!("user-{}", seq % 100), seq)).err());
    assert_eq!(full.unwrap().1, Full::Everything);
    assert_eq!(batch.gathered(), WRITES_MAX);
}

#[test]
fn the_end_of_a_session_is_remembered_however_much_its_user_has_waiting() {
    let mut batch = Batch::default();
    while batch.push(read_by("alice", 1)).is_ok() {}
    let user = UserId::new("alice").unwrap();
    assert!(batch.push(pending(Write::Forget { user, pid_hash: "p".to_owned() })).is_ok());
}

proptest! {
    /// Whatever is pushed and taken in whatever order, nothing is lost or doubled, and what one account wants is done in the
    /// order in which it wanted it.
    #[test]
    fn nothing_is_lost_or_reordered_within_an_account(
        steps in prop::collection::vec((0_usize..4, 1_i64..400), 1..60),
    ) {
        let mut batch = Batch::default();
        let (mut pushed, mut taken) = (HashMap::<Account, i64>::new(), HashMap::<Account, i64>::new());
        let mut check = |served: Vec<(Account, i64)>| {
            for (account, seq) in served {
                let next = taken.entry(account).or_default();
                prop_assert_eq!(seq, *next);
                *next += 1;
            }
            Ok(())
        };
        for (who, count) in steps {
            if who == 3 {
                check(take(&mut batch))?;
                continue;
            }
            let user = ["alice", "bob", "carol"][who];
            let next = pushed.entry(Account::User(UserId::new(user).unwrap())).or_default();
            for _ in 0..count {
                if batch.push(read_by(user, *next)).is_ok() {
                    *next += 1;
                }
            }
        }
        while batch.unfinished() > 0 {
            check(take(&mut batch))?;
        }
        pushed.retain(|_, count| *count > 0);
        prop_assert_eq!(pushed, taken);
    }
}
