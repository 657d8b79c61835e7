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

#[test]
fn a_delivered_mark_does_not_go_back_whichever_word_comes_last() {
    let (alice, mut fixture) = (UserId::new("alice").unwrap(), Fixture::new());
    among_nodes(&mut fixture);
    let room = fixture.room.clone();
    let mark = |fixture: &Fixture| {
        let live = fixture.chat.rooms.room(&room).unwrap();
        live.state().member(Role::Buyer).marks().delivered_seq.0
    };
    let delivered = |seq| NodeEvent::Delivered { room: room.clone(), user: alice.clone(), seq: Seq(seq) };
    hear(&mut fixture, delivered(7));
    assert_eq!(mark(&fixture), 7);
    fixture.chat.delivered(room.clone(), &alice, Seq(5), true);
    hear(&mut fixture, delivered(6));
    assert_eq!(mark(&fixture), 7, "this node's own mark was committed before");
    hear(&mut fixture, NodeEvent::Read { room: room.clone(), reader: alice.clone(), seq: Seq(9), unread: 0 });
    assert_eq!(mark(&fixture), 9, "what was read has been delivered");
}

#[test]
fn when_a_user_was_last_active_is_the_latest_that_any_node_says() {
    let (alice, mut fixture) = (UserId::new("alice").unwrap(), Fixture::new());
    among_nodes(&mut fixture);
    let room = fixture.room.clone();
    let seen = |fixture: &Fixture| {
        fixture.chat.rooms.room(&room).unwrap().state().member(Role::Buyer).last_seen_at.map(|at| at.0)
    };
    for (said, known) in [(120_000, 120_000), (60_000, 120_000), (180_000, 180_000)] {
        hear(&mut fixture, NodeEvent::Seen { users: vec![(alice.clone(), said)] });
        assert_eq!(seen(&fixture), Some(known));
    }
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
    fixture.chat.deliveries().place(StoredMessage { edited_at: None, ..said.clone() }, Bytes::new());
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
fn a_message_that_changes_before_its_turn_is_read_again_for_those_who_have_it_already() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let said = said(&fixture.room);
    hear(&mut fixture, NodeEvent::MessageChanged { message: Some(said) });
    assert_eq!(asks_for_changed(&mut fixture), 1, "a history may have had it as it was before");
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

/// Alice's session is in the room, as long as her room token lets it.
fn inside(fixture: &mut Fixture, until: Timestamp) {
    let comer = Comer::new(fixture);
    let Fixture { chat, conn, room, .. } = fixture;
    chat.rooms.insert(db::load_room(conn, room).unwrap().unwrap());
    chat.rooms.attach(comer.session, room, Role::Buyer, Some(until));
    chat.rooms.enter(comer.session, room);
}

#[test]
fn an_entry_whose_room_token_expires_while_its_history_is_read_is_answered() {
    let mut fixture = Fixture::with_policy(AuthorizePolicy::RoomToken);
    let comer = Comer::new(&mut fixture);
    let (asker, user, room) = (comer.asker(&fixture, "enterRoom"), comer.user(), fixture.room.clone());
    fixture.session(Join { asker, user, room, after: None, grant: Some(Timestamp(10)) });
    fixture.answer();
    let Chat { reads, loading, out, .. } = &mut fixture.chat;
    reads.flush(loading, out);
    let list = fixture.chat.out.reads.drain(..).find_map(|read| match read {
        DbRead::Histories(list) => Some(list),
        _ => None,
    });
    let page = db::MessagePage::Before { seq: None, limit: 50 };
    let messages = db::list_messages(&mut fixture.conn, &fixture.room, page, usize::MAX);
    fixture.chat.now = Now { wall: Timestamp(20), ..now() };
    fixture.chat.histories_read(list.unwrap(), Ok(vec![messages]));
    let refused = |op: &hub_op::Op| matches!(op, hub_op::Op::Reply { answer: Err(_), .. });
    assert!(fixture.chat.out.take_ops().any(|(_, ops)| ops.iter().any(refused)));
    assert_eq!(fixture.chat.rooms.live_count(), 0);
}

#[test]
fn lists_are_sent_a_message_whose_delivery_takes_the_last_session_out_of_its_room() {
    let mut fixture = Fixture::with_policy(AuthorizePolicy::RoomToken);
    inside(&mut fixture, Timestamp(10));
    let Fixture { chat, conn, room, .. } = &mut fixture;
    let draft = crate::domain::Draft {
        room: room.clone(),
        sender: UserId::new("alice").unwrap(),
        client_id: None,
        kind: crate::domain::MessageKind::Text,
        text: Some("hello".to_owned()),
        data: None,
        reply_to: None,
        sent_at: Timestamp(0),
        screened: crate::domain::Screened::Clean,
    };
    chat.append(PendingWrite { write: Write::Append(draft), room: Some(room.clone()), reply: ReplyTo::Nobody });
    let writes = chat.batch.take().unwrap();
    let outcome = Ok(db::write_batch(conn, &writes, Timestamp(0)).unwrap());
    chat.now = Now { wall: Timestamp(20), ..now() };
    chat.batch_committed(outcome, Duration::ZERO);
    assert_eq!((chat.room_updates.len(), chat.rooms.room(room).map(|live| live.state().last_seq)), (1, Some(Seq(1))));
}

#[test]
fn a_word_that_ended_sessions_and_was_not_noted_does_not_stand_for_the_next_note() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let alice = UserId::new("alice").unwrap();
    fixture.on(Input::EndSessions(alice.clone()));
    let (session, user) = (SessionId(2), alice.clone());
    fixture.session(Connect { session, user, hub: HubId(0), feed: Feed::Chat, welcome: None });
    let note = || News {
        messages: Vec::new(),
        notes: vec![db::Noted::SessionsEnded(alice.clone())],
        next: CommitCursor::default(),
        has_more: false,
    };
    let ended = |chat: &mut Chat| {
        let ops = chat.out.take_ops().flat_map(|(_, ops)| ops);
        ops.filter(|op| matches!(op, hub_op::Op::End { session: SessionId(2), .. })).count()
    };
    // Of another node's word only its note has come, so that word has ended nothing here.
    hear(&mut fixture, NodeEvent::SessionsEndNoted { user: alice.clone() });
    fixture.chat.deliveries().sessions_end_noted(&alice);
    fixture.chat.news_read(Ok(note()));
    assert_eq!(ended(&mut fixture.chat), 0, "this is the note of the word");
    fixture.chat.news_read(Ok(note()));
    assert_eq!(ended(&mut fixture.chat), 1, "this one was lost on its way here");
}

#[test]
fn a_session_that_was_taken_out_of_a_room_is_not_taken_up_as_if_it_were_there() {
    let mut fixture = Fixture::with_policy(AuthorizePolicy::RoomToken);
    inside(&mut fixture, Timestamp(10));
    let (chat, session) = (&mut fixture.chat, SessionId(1));
    let _ = chat.deliveries().recover(session, None);
    assert_eq!(chat.recoveries.len(), 2, "it can be taken up, by its secret");
    chat.deliveries().take_out(session, &fixture.room, ChatError::forbidden());
    assert_eq!(chat.recoveries.len(), 1, "its end is on its way to the database");
}

#[test]
fn what_one_members_list_was_sent_does_not_stand_for_the_others_list() {
    let mut fixture = Fixture::new();
    among_nodes(&mut fixture);
    let _alice = Comer::new(&mut fixture);
    let (alice, sam) = (UserId::new("alice").unwrap(), UserId::new("sam").unwrap());
    let Fixture { chat, room, .. } = &mut fixture;
    chat.rooms.release(room);
    let looks = |chat: &mut Chat| {
        chat.loading.rooms.clear();
        let seen =
            Committed { position: 7, room: room.clone(), seq: Seq(1), buyer: alice.clone(), seller: sam.clone() };
        let next = CommitCursor { position: 7, ..CommitCursor::default() };
        chat.news_read(Ok(News { messages: vec![seen], notes: Vec::new(), next, has_more: false }));
        chat.now.at += Duration::from_secs(1);
        chat.look_for_news();
        chat.loading.rooms.contains_key(room)
    };
    let sent = |chat: &mut Chat, user| chat.cluster.nodes.as_mut().unwrap().reconcile.lists.heard(room, user, Seq(1));
    sent(chat, &sam);
    assert!(looks(chat), "nothing of the room has come for alice, who is here");
    assert!(!looks(chat), "it is being read for her");
    chat.cluster.nodes.as_mut().unwrap().reconcile.distrust();
    sent(chat, &alice);
    assert!(!looks(chat), "another node has sent it to her");
}

#[test]
fn sessions_whose_room_token_expires_while_they_type_are_taken_out_once_each() {
    let mut fixture = Fixture::with_policy(AuthorizePolicy::RoomToken);
    inside(&mut fixture, Timestamp(10));
    let (tab, room, alice) = (SessionId(2), fixture.room.clone(), UserId::new("alice").unwrap());
    let user = alice.clone();
    fixture.session(Connect { session: tab, user, hub: HubId(0), feed: Feed::Chat, welcome: None });
    fixture.chat.rooms.attach(tab, &room, Role::Buyer, Some(Timestamp(10)));
    fixture.chat.rooms.enter(tab, &room);
    let comer = |session| Comer { hub: HubId(0), session, in_flight: InFlight::default() };
    for session in [SessionId(1), tab] {
        let asker = comer(session).asker(&fixture, "typing");
        fixture.chat.deliveries().set_typing(Typing { asker, user: alice.clone(), room: room.clone(), typing: true });
    }
    let chat = &mut fixture.chat;
    chat.now = Now { wall: Timestamp(20), ..now() };
    chat.deliveries().end_grants(&room);
    let ops: Vec<_> = chat.out.take_ops().flat_map(|(_, ops)| ops).collect();
    let ends = |wanted| {
        let is_end = |op: &&hub_op::Op| matches!(op, hub_op::Op::Detach { session, .. } if *session == wanted);
        ops.iter().filter(is_end).count()
    };
    assert_eq!((ends(SessionId(1)), ends(tab)), (1, 1));
}
