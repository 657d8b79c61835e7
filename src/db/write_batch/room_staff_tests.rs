//! Members of the staff in rooms: who may say what, and what is left of somebody who was deleted.

use super::*;
use crate::{
    db::{
        self,
        test_db::{NOW, TestDb, draft, history, read, room, say, user, user_id, write},
        verify,
    },
    domain::{
        ContactKind, MessageKind, Moderator, Role, SanctionKind, Screened,
        message::SYSTEM_SENDER,
        offer::{OfferStatus, Price},
        staff::{ROOM_STAFF_MAX, STAFF_ROOMS_MAX},
    },
    error::ErrorCode,
};

fn act(by: &str, what: Moderation) -> Write {
    let by = Moderator::Staff { id: user_id(by) };
    Write::Moderate(Box::new(Moderate { by, at: NOW, reason: Some("x".to_owned()), what }))
}

fn join(conn: &mut Connection, room: &RoomId, staff: &str) -> Result<StaffMoved, WriteError> {
    moved(write(conn, act(staff, Moderation::JoinRoom { room: room.clone(), user: user(staff) })))
}

fn leave(conn: &mut Connection, room: &RoomId, staff: &str) -> Result<StaffMoved, WriteError> {
    moved(write(conn, act(staff, Moderation::LeaveRoom { room: room.clone(), user: user_id(staff) })))
}

fn moved(outcome: Result<Written, WriteError>) -> Result<StaffMoved, WriteError> {
    match outcome? {
        Written::StaffMoved(moved) => Ok(*moved),
        other => panic!("{other:?}"),
    }
}

fn by_staff(room: &RoomId, staff: &str, text: &str) -> Draft {
    Draft { by_staff: true, ..draft(room, staff, text, None) }
}

fn appended(conn: &mut Connection, draft: Draft) -> Result<crate::domain::StoredMessage, ErrorCode> {
    match write(conn, Write::Append(draft)) {
        Ok(Written::Appended { message, .. }) => Ok(message),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.code()),
    }
}

/// The room of somebody whom the marketplace has put.
fn room_of(conn: &mut Connection, buyer: &str) -> RoomId {
    write(conn, Write::PutUser { user: user(buyer) }).unwrap();
    room(conn, buyer, "bike")
}

fn staff_of(conn: &mut Connection, room: &RoomId) -> Vec<String> {
    let staff = db::load_room(conn, room).unwrap().unwrap().staff;
    let listed = db::find_room(conn, room, &user_id("alice")).unwrap().unwrap().staff;
    assert_eq!(staff, listed);
    staff.into_iter().map(|user| user.id.as_str().to_owned()).collect()
}

#[test]
fn somebody_is_in_a_room_from_joining_it_until_leaving_it() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let joined = join(conn, &a, "mina").unwrap();
    assert_eq!((joined.staff, joined.added), (vec![user("mina")], true));
    assert_eq!(joined.notice.unwrap().sender_id.as_str(), SYSTEM_SENDER);
    assert_eq!(join(conn, &a, "nils").unwrap().staff, [user("mina"), user("nils")]);
    assert_eq!(
        (join(conn, &a, "mina").unwrap().notice, staff_of(conn, &a)),
        (None, vec!["mina".to_owned(), "nils".to_owned()])
    );
    for member in ["alice", "carol"] {
        assert_eq!(join(conn, &a, member), Err(WriteError::OwnRoom));
    }
    assert!(leave(conn, &a, "mina").unwrap().notice.is_some());
    assert_eq!((leave(conn, &a, "mina").unwrap().notice, staff_of(conn, &a)), (None, vec!["nils".to_owned()]));
    leave(conn, &a, "nils").unwrap();
    assert_eq!(staff_of(conn, &a), Vec::<String>::new());
    let again = join(conn, &a, "mina").unwrap();
    assert_eq!((again.staff.len(), again.added), (1, false));
    let unknown = RoomId::new("none").unwrap();
    for moved in [join(conn, &unknown, "mina"), leave(conn, &unknown, "mina")] {
        assert_eq!(moved, Err(WriteError::NotFound("room")));
    }
    let codes: Vec<_> =
        history(conn, &a).iter().map(|notice| notice.data.clone().unwrap().json()[9..].to_owned()).collect();
    let counted = |code: &str| codes.iter().filter(|json| json.starts_with(code)).count();
    assert_eq!((counted("support_joined"), counted("support_left")), (3, 2));
    assert_eq!(verify(conn, || {}).unwrap(), []);
}

#[test]
fn a_room_and_a_member_of_the_staff_have_their_bounds() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for number in 0..ROOM_STAFF_MAX {
        join(conn, &a, &format!("staff-{number}")).unwrap();
    }
    assert_eq!(join(conn, &a, "late"), Err(WriteError::RoomStaffFull));
    leave(conn, &a, "staff-0").unwrap();
    join(conn, &a, "late").unwrap();
    let mut last = None;
    for number in 1..=STAFF_ROOMS_MAX {
        let one = room_of(conn, &format!("buyer-{number}"));
        let joined = join(conn, &one, "late");
        assert_eq!(joined.is_err(), number == STAFF_ROOMS_MAX, "{number}");
        last = joined.err();
    }
    assert_eq!(last, Some(WriteError::TooManyStaffRooms));
    // All at once when they are deleted.
    let Ok(Written::UserDeleted { left, .. }) = write(conn, Write::DeleteUser { user: user_id("late"), at: NOW })
    else {
        panic!("not deleted");
    };
    assert_eq!(left.len(), STAFF_ROOMS_MAX);
    assert!(!staff_of(conn, &a).contains(&"late".to_owned()));
}

#[test]
fn staff_says_something_where_it_has_joined_and_with_its_token_alone() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    assert_eq!(appended(conn, by_staff(&a, "mina", "x")), Err(ErrorCode::Forbidden));
    join(conn, &a, "mina").unwrap();
    let said = appended(conn, by_staff(&a, "mina", "hello")).unwrap();
    assert_eq!((said.staff_name.as_deref(), said.seq), (Some("MINA"), Seq(2)));
    assert_eq!(history(conn, &a)[1], said, "it is stored as it was answered");
    for refused in [
        draft(&a, "mina", "x", None),
        by_staff(&b, "mina", "x"),
        Draft { kind: MessageKind::Offer, ..by_staff(&a, "mina", "x") },
        Draft { kind: MessageKind::System, ..by_staff(&a, "mina", "x") },
    ] {
        assert_eq!(appended(conn, refused), Err(ErrorCode::Forbidden));
    }
    // The same key is the same message, and a member with a staff's token is a member.
    let keyed = Draft { client_id: ClientId::new("k").ok(), ..by_staff(&a, "mina", "once") };
    let first = appended(conn, keyed.clone()).unwrap();
    assert_eq!(appended(conn, keyed).unwrap(), first);
    assert_eq!(appended(conn, by_staff(&a, "alice", "x")).unwrap().staff_name, None);

    // Unread for both but the one who has answered since.
    let state = db::load_room(conn, &a).unwrap().unwrap();
    let unread = |role: Role| state.members[role].unread;
    assert_eq!((unread(Role::Buyer), unread(Role::Seller)), (0, 4));
    write(conn, read(&a, "carol", 3)).unwrap();
    assert_eq!(write(conn, read(&a, "mina", 1)), Err(WriteError::Forbidden));

    // Neither the masking rule, nor a block, nor a freeze.
    let screened = Screened::Marked { warnings: vec![ContactKind::Phone], masked: Some("●".to_owned()) };
    write(conn, Write::Block { blocker: user("carol"), blocked: user_id("alice"), at: NOW }).unwrap();
    write(conn, act("mina", Moderation::SetFrozen { room: a.clone(), frozen: true })).unwrap();
    let said = appended(conn, Draft { screened, ..by_staff(&a, "mina", "010-1234-5678") }).unwrap();
    assert_eq!((said.text.as_deref(), said.warnings.len()), (Some("010-1234-5678"), 0));

    // A mute and a ban.
    for (kind, code) in [(SanctionKind::Mute, ErrorCode::Muted), (SanctionKind::Ban, ErrorCode::Banned)] {
        let until = Some(NOW.plus_ms(1000));
        write(conn, act("nils", Moderation::SetSanction { kind, user: user_id("mina"), until })).unwrap();
        assert_eq!(appended(conn, by_staff(&a, "mina", "x")), Err(code));
        write(conn, act("nils", Moderation::EndSanction { kind, user: user_id("mina") })).unwrap();
    }
    leave(conn, &a, "mina").unwrap();
    assert_eq!(appended(conn, by_staff(&a, "mina", "x")), Err(ErrorCode::Forbidden));
    assert_eq!(verify(conn, || {}).unwrap(), []);
}

#[test]
fn an_erasure_takes_the_words_and_the_name_of_staff_from_every_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    // More rooms than one step goes through.
    let mut rooms = Vec::new();
    for number in 0..70 {
        let one = room_of(conn, &format!("buyer-{number:02}"));
        join(conn, &one, "mina").unwrap();
        say(conn, &one, "carol", "the seller's words");
        appended(conn, by_staff(&one, "mina", "mina's words")).unwrap();
        leave(conn, &one, "mina").unwrap();
        rooms.push(one);
    }
    // What a report keeps would not be found.
    let new = db::NewReport {
        reporter: user_id("carol"),
        room: rooms[0].clone(),
        message: None,
        category: crate::domain::safety::ReportCategory::Spam,
        text: None,
        at: NOW,
    };
    let db::Reported::New(report) = db::store_report(conn, &new).unwrap() else { panic!("reported before") };
    let kept = db::find_report(conn, &report.id).unwrap().unwrap();
    assert_eq!(kept.messages.iter().map(|message| message.sender_id.as_str()).collect::<Vec<_>>(), ["carol"]);

    erase(conn, "mina");
    for one in &rooms {
        let left: Vec<_> = history(conn, one).into_iter().map(|message| (message.text, message.staff_name)).collect();
        let gone = |name: Option<&str>| (None, name.map(str::to_owned));
        let seller = (Some("the seller's words".to_owned()), None);
        assert_eq!(left, [gone(None), seller, gone(Some("")), gone(None)]);
    }
    assert_eq!(verify(conn, || {}).unwrap(), []);
}

#[test]
fn an_erasure_goes_through_more_rooms_than_one_step_takes() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms: Vec<RoomId> = (0..40).map(|number| room_of(conn, &format!("buyer-{number:02}"))).collect();
    for one in &rooms {
        say(conn, one, "carol", "carol's words");
    }
    erase(conn, "carol");
    assert!(rooms.iter().all(|one| history(conn, one)[0].text.is_none()));
}

fn erase(conn: &mut Connection, id: &str) {
    write(conn, Write::DeleteUser { user: user_id(id), at: NOW }).unwrap();
    while !matches!(
        write(conn, Write::EraseWords { user: user_id(id), at: NOW }),
        Ok(Written::WordsErased { progress: ErasureProgress::Done, .. })
    ) {}
}

#[test]
fn an_erasure_of_staff_leaves_the_members_offers_alone() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    join(conn, &a, "mina").unwrap();
    leave(conn, &a, "mina").unwrap();
    let price = Price { amount: 100, currency: "USD".to_owned() };
    let offer = Write::MakeOffer { room: a.clone(), maker: user_id("alice"), price, client_id: None, at: NOW };
    write(conn, offer).unwrap();
    erase(conn, "mina");
    let standing = db::find_room(conn, &a, &user_id("alice")).unwrap().unwrap().offer;
    assert_eq!(standing.map(|offer| offer.status), Some(OfferStatus::Pending));
    erase(conn, "alice");
    assert_eq!(db::load_room(conn, &a).unwrap().unwrap().offer, None, "their own ends");
}

#[test]
fn what_staff_said_before_an_import_is_theirs_to_be_exported_and_erased() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let line = format!(
        r#"{{"type":"message","roomId":"{a}","senderId":"mina","text":"mina's words","sentAt":"2026-01-01T00:00:00Z","staffName":"Mina"}}"#
    );
    let options = db::ImportOptions { now: NOW, shift_ms: 0 };
    let (_, bad) = db::import_str(conn, &line, options).unwrap();
    assert_eq!((bad.len(), history(conn, &a)[0].staff_name.as_deref()), (0, Some("Mina")));
    assert!(staff_of(conn, &a).is_empty(), "she is not in the room now");
    erase(conn, "mina");
    assert_eq!((&history(conn, &a)[0].text, history(conn, &a)[0].staff_name.as_deref()), (&None, Some("")));
}
