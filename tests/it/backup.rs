//! `haggle backup`, `haggle restore` and `haggle verify`, and what a server makes of files that don't belong together.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::support::{
    Launch, Process, database, postgres,
    rest::{self, Answer},
    server::{SECRET, SERVICE_KEY},
    until,
};

/// Runs a command on the database `haggle.db` of a folder.
fn haggle(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
    command.current_dir(folder).args(arguments).env_remove("HAGGLE_CONFIG").env("RUST_LOG", "error");
    command.env("HAGGLE_DATABASE_URL", "haggle.db").env("HAGGLE_JWT_SECRET", SECRET).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that is to work, and returns what it says.
fn works(folder: &Path, arguments: &[&str]) -> String {
    let output = haggle(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

/// Runs a command that is to be refused with one line.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = haggle(folder, arguments);
    let told = told(&output);
    assert_eq!((output.status.code(), told.lines().count()), (Some(code), 1), "{arguments:?}: {told}");
    assert!(told.starts_with("haggle: "), "{told}");
    told
}

async fn texts(server: &Process, room: &str) -> Vec<String> {
    let page = server.ws("alice").await.request("enterRoom", json!({"roomId": room, "after": 0})).await.unwrap();
    let messages = page["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Says something, and returns when it is acknowledged.
async fn say(server: &Process, room: &str, text: &str) {
    let mut alice = server.ws("alice").await;
    alice.request("message", json!({"roomId": room, "text": text})).await.unwrap();
}

/// A database with a room, and that room's id.
fn with_room() -> (Launch, String) {
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    (launch, room)
}

#[actix_web::test]
async fn a_backup_is_made_while_the_server_runs_and_restored_when_it_does_not() {
    if database::is_about_sqlite_files() {
        return;
    }
    let (launch, room) = with_room();
    let folder = launch.folder();
    let mut server = launch.start().await;
    say(&server, &room, "before").await;
    let said = works(folder, &["backup", "copy.db"]);
    assert!(said.contains("1 rooms and 1 messages") && said.contains("haggle.db-images"), "{said}");
    assert_eq!(fs::metadata(folder.join("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let names = || {
        let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("copy") || name.contains("restor")).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["copy.db"], "nothing else is left");
    assert!(refused(folder, &["backup", "copy.db"], 1).contains("exists already"));
    say(&server, &room, "after").await;
    assert!(works(folder, &["verify"]).contains("as promised"));

    assert!(refused(folder, &["restore", "copy.db"], 1).contains("another haggle serves this database file"));
    server.signal("TERM");
    server.ended().await;
    let said = works(folder, &["restore", "copy.db"]);
    assert!(said.contains("1 rooms and 1 messages") && said.contains("what was there before is"), "{said}");
    let server = launch.start().await;
    assert_eq!(texts(&server, &room).await, ["before"]);
    drop(server);
    // The previous file is still a database.
    let is_database =
        |name: &String| name.contains("before-restore") && !name.ends_with("-shm") && !name.ends_with("-wal");
    let kept = names().into_iter().find(is_database).unwrap();
    assert_eq!(fs::metadata(folder.join(&kept)).unwrap().permissions().mode() & 0o777, 0o600);
    works(folder, &["restore", &kept]);
    assert_eq!(texts(&launch.start().await, &room).await, ["before", "after"]);
}

#[actix_web::test]
async fn a_log_that_was_left_behind_is_not_replayed_into_a_backup() {
    if database::is_about_sqlite_files() {
        return;
    }
    let (launch, room) = with_room();
    let folder = launch.folder();
    let server = launch.start().await;
    say(&server, &room, "one").await;
    works(folder, &["backup", "copy.db"]);
    say(&server, &room, "two").await;
    server.kill();
    assert!(fs::metadata(folder.join("haggle.db-wal")).unwrap().len() > 0);
    // Its own log belongs to it, and looking at it leaves both as they are.
    assert!(works(folder, &["verify"]).contains("1 rooms and 2 messages"));
    assert!(fs::metadata(folder.join("haggle.db-wal")).unwrap().len() > 0);
    let server = launch.start().await;
    assert_eq!(texts(&server, &room).await, ["one", "two"]);
    say(&server, &room, "three").await;
    server.kill();

    fs::copy(folder.join("copy.db"), launch.database()).unwrap();
    let (status, output) = launch.fails().await;
    assert_eq!(status.code(), Some(1), "{output}");
    let lines: Vec<&str> = output.lines().filter(|line| line.starts_with("haggle: ")).collect();
    assert!(matches!(lines[..], [line] if line.contains("is the log of another database file")), "{output}");
    for command in [&["migrate"][..], &["verify"], &["backup", "other.db"], &["demo", "--bind", "127.0.0.1:0"]] {
        assert!(refused(folder, command, 1).contains("is the log of another database file"), "{command:?}");
    }
    // Moved aside, as `restore` does it.
    works(folder, &["restore", "copy.db"]);
    assert!(!folder.join("haggle.db-wal").exists());
    let left = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains("before-restore") && name.ends_with("-wal")).count(), 1);
    assert_eq!(texts(&launch.start().await, &room).await, ["one"]);
}

#[actix_web::test]
async fn a_restore_puts_a_good_database_in_place_of_a_damaged_one_and_keeps_that() {
    if database::is_about_sqlite_files() {
        return;
    }
    let (launch, room) = with_room();
    let folder = launch.folder();
    let mut server = launch.start().await;
    say(&server, &room, "kept").await;
    works(folder, &["backup", "copy.db"]);
    server.signal("TERM");
    server.ended().await;
    let mut bytes = fs::read(launch.database()).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0x55);
    for (damaged, part) in
        [(&bytes[..], "damaged"), (&bytes[..half], "is damaged: it has"), (&b"no"[..], "no database")]
    {
        fs::write(launch.database(), damaged).unwrap();
        for command in [&["serve", "--bind", "127.0.0.1:0"][..], &["migrate"]] {
            let told = refused(folder, command, 1);
            assert!(told.contains(part) && told.contains("haggle restore"), "{told}");
        }
        // A damaged backup changes nothing.
        fs::write(folder.join("bad.db"), damaged).unwrap();
        refused(folder, &["restore", "bad.db"], 1);
        assert!(fs::read(launch.database()).unwrap() == damaged);
    }
    assert!(refused(folder, &["restore", "absent.db"], 1).contains("is no backup"));
    works(folder, &["restore", "copy.db"]);
    assert!(works(folder, &["verify"]).contains("1 rooms and 1 messages"));
    assert_eq!(texts(&launch.start().await, &room).await, ["kept"]);
}

#[actix_web::test]
async fn verify_names_what_is_broken_and_ends_with_1() {
    let (launch, room) = with_room();
    let server = launch.start().await;
    for text in ["one", "two", "three"] {
        say(&server, &room, text).await;
    }
    let url = launch.url();
    let verify = || haggle(launch.folder(), &["verify", "--database-url", &url]);
    let output = verify();
    assert!(output.status.success() && told(&output).contains("as promised"), "{}", told(&output));
    drop(server);
    let break_it = if postgres::is_wanted() { "" } else { "PRAGMA foreign_keys = OFF; " };
    let sql = format!("{break_it}DELETE FROM messages WHERE seq = 2");
    let conn = &mut launch.pool().get().unwrap();
    haggle::internals::db::settle_everything(conn).unwrap();
    conn.batch_execute(&sql).unwrap();
    let output = verify();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("not numbered 1, 2, 3") && told.contains(&room) && !told.contains("three"), "{told}");
}

#[test]
fn on_postgresql_its_own_tools_are_named() {
    if !cfg!(feature = "postgres") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let arguments = [command, "copy.db", "--database-url", "postgres://127.0.0.1:1/haggle"];
        assert!(refused(folder.path(), &arguments, 2).contains(tool));
    }
}

#[test]
fn a_command_that_only_reads_makes_no_database() {
    if database::is_about_sqlite_files() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for command in [&["backup", "copy.db"][..], &["verify"]] {
        assert!(refused(folder.path(), command, 1).contains("does not exist"));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn events(server: &Process, after: Option<&str>) -> Answer {
    let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
    rest::call(server.addr, SERVICE_KEY, "GET", &format!("/api/v1/events{after}"), None).await
}

#[actix_web::test]
async fn a_cursor_of_events_from_before_a_restore_is_expired_however_the_file_came_back() {
    if database::is_about_sqlite_files() {
        return;
    }
    let (launch, room) = with_room();
    let folder = launch.folder();
    let stop = async |mut server: Process| {
        server.signal("TERM");
        server.ended().await;
    };
    let server = launch.start().await;
    say(&server, &room, "one").await;
    works(folder, &["backup", "by_backup.db"]);
    stop(server).await;
    fs::copy(launch.database(), folder.join("by_hand.db")).unwrap();

    type Way<'a> = (&'a str, &'a dyn Fn());
    let ways: [Way<'_>; 3] = [
        ("restore", &|| drop(works(folder, &["restore", "by_backup.db"]))),
        ("cp of a backup", &|| assert!(fs::copy(folder.join("by_backup.db"), launch.database()).is_ok())),
        ("cp of a stopped server's file", &|| assert!(fs::copy(folder.join("by_hand.db"), launch.database()).is_ok())),
    ];
    for (way, put_back) in ways {
        let server = launch.start().await;
        say(&server, &room, "two").await;
        let end = events(&server, None).await.body["nextCursor"].as_str().unwrap().to_owned();
        assert_eq!(events(&server, Some(&end)).await.status, 200);
        stop(server).await;
        // A restart is none.
        let server = launch.start().await;
        assert_eq!(events(&server, Some(&end)).await.status, 200, "{way}");
        stop(server).await;
        put_back();
        let server = launch.start().await;
        // More than was there before: the place is given again.
        for text in ["three", "four", "five"] {
            say(&server, &room, text).await;
        }
        let expired = events(&server, Some(&end)).await;
        assert_eq!((expired.status, &expired.body["code"]), (410, &json!("cursor_expired")), "{way}");
        let items: Vec<Value> = events(&server, None).await.body["items"].as_array().unwrap().clone();
        let said: Vec<_> = items.iter().filter(|event| event["event"] == "message").collect();
        assert_eq!(said.len(), 4, "{way}");
        stop(server).await;
        until("the lock is free", || true).await;
    }
}
