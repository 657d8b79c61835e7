//! What one node has committed may come after what another has committed later: the writer's answer and the words between nodes
//! have ways of their own.

use super::*;
use crate::db::ReadMark;

/// Another node says something.
fn hear(fixture: &mut Fixture, event: NodeEvent) {
    fixture.on(Input::NodeEvents(vec![Envelope { node: NodeId::random(), event }]));
}

fn read_mark(fixture: &Fixture) -> Option<Seq> {
    fixture.chat.rooms.room(&fixture.room).map(|live| live.state().member(Role::Buyer).read_seq)
}

#[test]
fn a_read_mark_does_not_go_back_whichever_word_comes_last() {
    let (alice, mut fixture) = (UserId::new("alice").unwrap(), Fixture::new());
    among_nodes(&mut fixture);
    let room = fixture.room.clone();
    let read = |seq| NodeEvent::Read { room: room.clone(), reader: alice.clone(), seq: Seq(seq), unread: 0 };
    hear(&mut fixture, read(7));
    let own = ReadMark { room: room.clone(), reader: alice.clone(), read_seq: Seq(5), unread: 2 };
    fixture.chat.member_has_read(own);
    assert_eq!(read_mark(&fixture), Some(Seq(7)), "this node's own mark was committed before");

    let listing = crate::domain::Listing {
        unread: true,
        ..fixture.chat.rooms.room(&room).unwrap().state().member(Role::Buyer).listing
    };
    fixture.chat.rooms.room_mut(&room).unwrap().listing_changed(Role::Buyer, listing);
    hear(&mut fixture, read(6));
    assert_eq!(read_mark(&fixture), Some(Seq(7)), "also where the room is marked as unread");
    hear(&mut fixture, read(7));
    assert!(!fixture.chat.rooms.room(&room).unwrap().state().member(Role::Buyer).listing.unread);
}

fn asks_for_changed(fixture: &mut Fixture) -> usize {
    fixture.on(Input::TurnEnded);
    let reads = std::mem::take(&mut fixture.out.reads);
    reads.iter().filter(|read| matches!(read, DbRead::Changed(_))).count()
}

#[test]
fn a_message_that_two_nodes_have_changed_is_read_again() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let said = said(&fixture.room);
    let changed = || NodeEvent::MessageChanged { message: Some(said.clone()) };
    hear(&mut fixture, changed());
    assert_eq!(asks_for_changed(&mut fixture), 0, "one word says how it stands");
    fixture.chat.message_changed(said.clone(), Bytes::new());
    assert_eq!(asks_for_changed(&mut fixture), 1, "this node's own change was committed before, perhaps");
    hear(&mut fixture, changed());
    assert_eq!(asks_for_changed(&mut fixture), 0, "it is being read");
    fixture.chat.changed_read(vec![said.id.clone()], Ok((Vec::new(), 1)));
    assert_eq!(asks_for_changed(&mut fixture), 1, "what was read is older than the last word, perhaps");
}

#[test]
fn a_room_that_was_read_before_a_commit_is_applied_is_read_again() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let (alice, room) = (UserId::new("alice").unwrap(), fixture.room.clone());
    let blocker = crate::domain::User::new(alice.clone(), "Alice".to_owned(), None);
    let blocked = UserId::new("sam").unwrap();
    let write = Write::Block { blocker, blocked: blocked.clone(), at: Timestamp(0) };
    fixture.chat.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
    let writes = fixture.chat.batch.take().unwrap();
    let outcome = Ok(db::write_batch(&mut fixture.conn, &writes, Timestamp(0)).unwrap());

    // Another node takes the block back, and says so before the writer's answer is here.
    db::write_batch(&mut fixture.conn, &[Write::Unblock { blocker: alice, blocked }], Timestamp(0)).unwrap();
    let found = db::load_rooms(&mut fixture.conn, std::slice::from_ref(&room));
    fixture.chat.rooms_read_again(vec![(room.clone(), true)], found);
    fixture.on(Input::Committed { outcome, took: Duration::ZERO });

    fixture.on(Input::TurnEnded);
    let asked =
        |read: &DbRead| matches!(read, DbRead::RoomsAgain(asked) if asked.iter().any(|(asked, _)| *asked == room));
    assert!(fixture.out.reads.iter().any(asked), "the block of the outcome does not stand any more");
}
