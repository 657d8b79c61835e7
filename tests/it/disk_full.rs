//! A full disk, a disk that fails to sync, a locked file, a file that can't be written: senders receive an error, nothing
//! acknowledged is lost, nothing is half visible, and service resumes by itself.
//!
//! The disk is filled in two ways. A limit on the size of the process's files (`RLIMIT_FSIZE`, changed by `prlimit` while it
//! runs) needs no right that a user lacks, so it runs everywhere; SQLite sees EFBIG. A small tmpfs in a mount namespace of
//! the process's own gives the true ENOSPC. If the system permits neither root nor users to have one, the test reports this
//! and skips.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Launch, Process, WsClient, database, rest, until};

/// Sends until messages are refused, and then until they are stored again. `give_back` makes room.
struct Sending {
    room: String,
    text: String,
    acknowledged: Vec<Value>,
}

impl Sending {
    fn new(room: &str) -> Self {
        Self { room: room.to_owned(), text: "x".repeat(4000), acknowledged: Vec::new() }
    }

    /// Sends one message: its error's code when it was refused.
    async fn send(&mut self, client: &mut WsClient) -> Option<String> {
        let draft = json!({"roomId": self.room, "text": self.text});
        match client.request("message", draft).await {
            Ok(stored) => {
                self.acknowledged.push(stored);
                None
            }
            Err(error) => Some(error.code),
        }
    }

    /// Sends until `count` messages in a row were refused.
    async fn send_until_refused(&mut self, client: &mut WsClient, count: usize) {
        let mut refused = 0;
        for _ in 0..20_000 {
            match self.send(client).await {
                Some(code) => {
                    assert_eq!(code, "unavailable");
                    refused += 1;
                }
                None => refused = 0,
            }
            if refused == count {
                return;
            }
        }
        panic!("the disk was never full");
    }

    /// Sends until a message is stored.
    async fn send_until_stored(&mut self, client: &mut WsClient) {
        let before = self.acknowledged.len();
        crate::support::within("service resumes", async {
            while self.acknowledged.len() == before {
                if self.send(client).await.is_some() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
        .await;
    }

    /// The room holds what was acknowledged, and nothing else.
    async fn compare(&self, server: &Process) {
        let mut client = server.ws("alice").await;
        let mut stored = Vec::new();
        loop {
            let after = json!({"roomId": self.room, "after": stored.len()});
            let page = client.request("enterRoom", after).await.unwrap();
            stored.extend(page["messages"].as_array().unwrap().iter().cloned());
            if page["hasMore"] == false {
                break;
            }
        }
        assert_eq!(stored.len(), self.acknowledged.len(), "half visible or lost");
        assert!(stored == self.acknowledged);
    }
}

/// Waits until `/readyz` reports this for the database. The space that is left may still take a small commit or two.
async fn until_ready_says(server: &Process, status: u16, database: &str) {
    crate::support::within(&format!("/readyz says {database}"), async {
        loop {
            let answer = rest::call(server.addr, "", "GET", "/readyz", None).await;
            if answer.status == status && answer.body["database"] == database {
                return;
            }
        }
    })
    .await;
}

/// The same for each way of filling the disk.
async fn full_then_free(server: &Process, room: &str, take: impl FnOnce(), give_back: impl FnOnce()) -> Sending {
    let mut sending = Sending::new(room);
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(room).await;
    sam.enter(room).await;
    sending.send_until_stored(&mut alice).await;
    take();
    sending.send_until_refused(&mut alice, 5).await;
    until_ready_says(server, 503, "failing").await;
    let full_at = sending.acknowledged.len();
    // Reading goes on, and nothing that was refused has been pushed to anyone.
    sending.compare(server).await;
    let pushed = sam.seqs_before_ack().await;
    assert_eq!(pushed, (1..=full_at as i64).collect::<Vec<_>>());
    give_back();
    // Without traffic, which a load balancer withholds in the meantime.
    until_ready_says(server, 200, "ok").await;
    sending.send_until_stored(&mut alice).await;
    assert_eq!(sending.acknowledged.last().unwrap()["seq"], full_at as i64 + 1, "a hole");
    assert_eq!(sam.push("message").await, *sending.acknowledged.last().unwrap());
    sending.compare(server).await;
    eprintln!("full after {full_at} messages");
    sending
}

#[actix_web::test]
async fn with_a_file_that_may_not_grow_senders_get_unavailable_until_it_may() {
    if database::is_about_sqlite_files() {
        return;
    }
    // Ignored, the signal becomes an error of the write.
    let launch = Launch::new().before("trap '' XFSZ");
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let log_size = || std::fs::metadata(launch.database().with_extension("db-wal")).map_or(0, |file| file.len());
    let take = || server.prlimit(&format!("--fsize={}:", log_size() + 200_000));
    let give_back = || server.prlimit("--fsize=unlimited:");
    let sending = full_then_free(&server, &room, take, give_back).await;
    server.kill();
    let server = launch.start().await;
    sending.compare(&server).await;
}

#[actix_web::test]
async fn on_a_full_disk_senders_get_unavailable_until_there_is_room_again() {
    if database::is_about_sqlite_files() {
        return;
    }
    let as_root = ["unshare", "-m"];
    let as_user = ["unshare", "-r", "-m"];
    let permitted = |command: &[&str]| {
        let mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"];
        let probe = Command::new(command[0]).args(&command[1..]).args(mount).output();
        probe.is_ok_and(|probe| probe.status.success())
    };
    let Some(wrapper) = [&as_root[..], &as_user[..]].into_iter().find(|command| permitted(command)) else {
        eprintln!("no mount namespace is permitted here: only the limit on a file's size was tested");
        return;
    };
    let launch = Launch::new();
    let disk = launch.folder().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let (disk_name, file) = (disk.display().to_string(), launch.database().display().to_string());
    let before = format!("mount -t tmpfs -o size=8m tmpfs '{disk_name}' && cp '{file}'* '{disk_name}/'");
    let launch = launch.through(wrapper).before(&before).env("HAGGLE_DATABASE_URL", &format!("{disk_name}/haggle.db"));
    let server = launch.start().await;
    // The process's own view: the mount is nowhere else.
    let inside = PathBuf::from(format!("/proc/{}/root{disk_name}", server.id()));
    let filler = inside.join("filler");
    let take = || {
        // As much as fits, and then the rest in small pieces.
        let mut file = std::fs::File::create(&filler).unwrap();
        let piece = vec![0; 4096];
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
    };
    let give_back = || std::fs::remove_file(&filler).unwrap();
    let sending = full_then_free(&server, &room, take, give_back).await;

    // What is on the disk after a kill is what a new process finds: a copy stands for it, since the mount dies as well.
    server.signal("STOP");
    let copy = Launch::new();
    for name in ["haggle.db", "haggle.db-wal"] {
        std::fs::copy(inside.join(name), copy.folder().join(name)).unwrap();
    }
    server.kill();
    sending.compare(&copy.start().await).await;
}

/// A library that answers every `fsync` and `fdatasync` of a process with EIO for as long as the file `flag` exists.
fn library_that_fails_to_sync(folder: &Path, flag: &Path) -> PathBuf {
    let (source, library) = (folder.join("failing_sync.c"), folder.join("failing_sync.so"));
    let text = format!(
        r#"
        #include <errno.h>
        #include <fcntl.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        static int sync_by(long call, int file) {{
            if (access("{flag}", F_OK) == 0) {{
                errno = EIO;
                return -1;
            }}
            return syscall(call, file);
        }}
        int fsync(int file) {{ return sync_by(SYS_fsync, file); }}
        int fdatasync(int file) {{ return sync_by(SYS_fdatasync, file); }}
        "#,
        flag = flag.display()
    );
    std::fs::write(&source, text).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().unwrap();
    assert!(built.success(), "the C compiler that builds SQLite, too");
    library
}

#[actix_web::test]
async fn while_the_disk_fails_to_sync_nothing_is_acknowledged_and_readyz_says_failing() {
    if database::is_about_sqlite_files() {
        return;
    }
    let launch = Launch::new();
    let flag = launch.folder().join("syncs-fail");
    let library = library_that_fails_to_sync(launch.folder(), &flag);
    let launch = launch.env("LD_PRELOAD", &library.display().to_string());
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let take = || std::fs::write(&flag, "").unwrap();
    let give_back = || std::fs::remove_file(&flag).unwrap();
    let sending = full_then_free(&server, &room, take, give_back).await;
    server.kill();
    let server = launch.start().await;
    sending.compare(&server).await;
}

#[actix_web::test]
async fn while_another_process_holds_the_lock_senders_get_unavailable_and_then_service_resumes() {
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let mut sending = Sending::new(&room);
    let mut alice = server.ws("alice").await;
    sending.send_until_stored(&mut alice).await;

    let other = database::hold_up(&launch.url());
    sending.send_until_refused(&mut alice, 1).await;
    // Reading needs no lock.
    sending.compare(&server).await;
    other.release();
    sending.send_until_stored(&mut alice).await;
    sending.compare(&server).await;
}

#[actix_web::test]
async fn a_lock_that_is_short_is_waited_for() {
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let mut alice = server.ws("alice").await;
    let other = database::hold_up(&launch.url());
    let request = alice.start("message", json!({"roomId": room, "text": "in a moment"})).await;
    // An event of another kind comes back while the message waits: the server doesn't stand still.
    assert!(alice.pushes_before_ack().await.iter().all(|frame| frame["reply"] != request));
    other.release();
    assert_eq!(alice.answer(request).await.unwrap()["seq"], 1);
}

#[actix_web::test]
async fn a_database_that_can_not_be_written_ends_the_start_with_one_line() {
    if database::is_about_sqlite_files() {
        return;
    }
    let launch = Launch::new();
    drop(launch.pool());
    // Root writes whatever the permissions are, so root becomes another user for this.
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let world = |path: PathBuf, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut launch = launch;
    if is_root {
        // Not every user may read the build directory.
        let binary = launch.folder().join("haggle");
        std::fs::copy(env!("CARGO_BIN_EXE_haggle"), &binary).unwrap();
        world(binary.clone(), 0o755);
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        launch = launch.through(&nobody).before(&format!("set -- \"$@\"; exec '{}' \"$@\"", binary.display()));
    }
    world(launch.database(), 0o444);
    world(launch.folder().to_owned(), 0o555);
    let (status, output) = launch.fails().await;
    world(launch.folder().to_owned(), 0o755);
    assert_eq!(status.code(), Some(1), "{output}");
    let lines: Vec<&str> = output.lines().filter(|line| line.starts_with("haggle: ")).collect();
    assert!(matches!(lines[..], [line] if line.contains("database")), "{output}");
    assert!(!output.contains("panicked"), "{output}");
    until("the folder can be removed", || true).await;
}
