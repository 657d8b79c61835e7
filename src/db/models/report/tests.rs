use super::{list::PAGE_BYTES_MAX, *};
use crate::db::test_db::{NOW, TestDb, history, room, say, user_id, write};
use crate::db::{ErasureProgress, Write, Written};

fn report(room: &RoomId, message: Option<&StoredMessage>) -> NewReport {
    NewReport {
        reporter: user_id("alice"),
        room: room.clone(),
        message: message.map(|message| message.id.clone()),
        category: ReportCategory::Spam,
        text: None,
        at: NOW,
    }
}

fn kept(conn: &mut Connection) -> Vec<Report> {
    list_reports(conn, &ReportFilter::all(ReportState::Open), None, 100).unwrap().0
}

#[test]
fn what_a_report_keeps_is_bounded_in_bytes_and_the_reported_message_is_in_it() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let long = "x".repeat(16_000);
    let said: Vec<StoredMessage> = (0..30).map(|_| say(conn, &a, "carol", &long)).collect();
    store_report(conn, &report(&a, Some(&said[14]))).unwrap();
    store_report(conn, &report(&a, None)).unwrap();
    for report in kept(conn) {
        let bytes: usize = report.messages.iter().map(StoredMessage::weight_bytes).sum();
        assert!(bytes <= KEPT_BYTES_MAX && !report.messages.is_empty(), "{bytes}");
    }
    let seqs = |report: &Report| report.messages.iter().map(|message| message.seq.0).collect::<Vec<_>>();
    let reports = kept(conn);
    assert!(seqs(&reports[0]).contains(&15), "{:?}", seqs(&reports[0]));
    assert_eq!(seqs(&reports[1]).last(), Some(&30));
}

#[test]
fn what_waits_for_a_decision_is_bounded_for_each_reporter() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let said: Vec<StoredMessage> = (0..25).map(|_| say(conn, &a, "carol", "hello")).collect();
    for message in &said[..20] {
        assert!(matches!(store_report(conn, &report(&a, Some(message))), Ok(Reported::New(_))));
    }
    assert_eq!(store_report(conn, &report(&a, Some(&said[20]))), Err(ReportError::TooMany.into()));
    let again = store_report(conn, &report(&a, Some(&said[3])));
    assert!(matches!(again, Ok(Reported::Existing(_))), "the same report is answered as before");
    let error = ChatError::from(ReportError::TooMany);
    assert!(error.code == ErrorCode::RateLimited && error.retry_after_ms.is_some());

    // Another room of theirs has a share of its own, and so has another reporter.
    let lamp = room(conn, "alice", "lamp");
    store_report(conn, &report(&lamp, None)).unwrap();
    let by_carol = NewReport { reporter: user_id("carol"), message: None, ..report(&a, None) };
    store_report(conn, &by_carol).unwrap();

    // A decision makes room.
    let first = kept(conn).remove(0).id;
    decide(conn, &first, Decision::Dismissed, None, NOW).unwrap();
    store_report(conn, &report(&a, Some(&said[20]))).unwrap();
}

#[test]
fn a_page_of_reports_is_bounded_in_bytes_and_the_next_one_goes_on() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let long = "x".repeat(16_000);
    let said: Vec<StoredMessage> = (0..20).map(|_| say(conn, &a, "carol", &long)).collect();
    for message in &said {
        store_report(conn, &report(&a, Some(message))).unwrap();
    }
    let (mut ids, mut pages) = (Vec::new(), 0);
    let mut more = true;
    while more {
        let (page, has_more) =
            list_reports(conn, &ReportFilter::all(ReportState::Open), ids.last().map(String::as_str), 100).unwrap();
        let bytes: usize = page.iter().flat_map(|report| &report.messages).map(StoredMessage::weight_bytes).sum();
        assert!(bytes <= PAGE_BYTES_MAX, "{bytes}");
        ids.extend(page.into_iter().map(|report| report.id));
        (more, pages) = (has_more, pages + 1);
    }
    assert!(ids.len() == 20 && ids.is_sorted() && pages > 1, "{pages}");
}

#[test]
fn a_message_that_can_not_be_read_leaves_its_neighbours_to_be_reported() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let said: Vec<StoredMessage> = (0..3).map(|_| say(conn, &a, "carol", "hello")).collect();
    conn.batch_execute("UPDATE messages SET kind = 'of a newer haggle' WHERE seq = 2").unwrap();
    for message in &said {
        assert!(matches!(store_report(conn, &report(&a, Some(message))), Ok(Reported::New(_))));
    }
    let reports = kept(conn);
    assert_eq!(reports.iter().map(|report| report.messages.len()).collect::<Vec<_>>(), [1, 2, 1]);
    conn.batch_execute("UPDATE reports SET messages = 'not JSON' WHERE message_id IS NOT NULL").unwrap();
    assert_eq!(kept(conn).len(), 3, "the queue can be read all the same");
}

#[test]
fn a_deleted_users_words_leave_their_reports_some_at_a_time() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let said: Vec<StoredMessage> = (0..20).map(|_| say(conn, &a, "carol", "a secret")).collect();
    for message in &said {
        store_report(conn, &report(&a, Some(message))).unwrap();
    }
    write(conn, Write::DeleteUser { user: user_id("carol"), at: NOW }).unwrap();
    let mut steps = 0;
    loop {
        steps += 1;
        let erased = write(conn, Write::EraseWords { user: user_id("carol"), at: NOW }).unwrap();
        let has_words = kept(conn).iter().flat_map(|report| &report.messages).any(|message| message.text.is_some());
        match erased {
            Written::WordsErased { progress: ErasureProgress::Done, .. } => break assert!(!has_words),
            Written::WordsErased { .. } => assert!(steps < 10),
            other => panic!("{other:?}"),
        }
    }
    assert!(steps > 2, "{steps}");
    assert!(history(conn, &a).iter().all(|message| message.text.is_none()));
}
