//! The marketplace in which the rows take place: a database with what makes each operation as expensive as it can be.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use haggle::internals::{clock::Clock, domain::Timestamp};
use serde_json::json;
use tempfile::TempDir;

/// The attacker: an ordinary user. Sells the products of all rooms below but [`PAIR`] and [`PROBE`].
pub const MALLORY: &str = "mallory";

/// The others: a buyer and a seller who talk.
pub const ALICE: &str = "alice";
pub const BOB: &str = "bob";

/// Another user, who does now and then what users do in addition to talking.
pub const CAROL: &str = "carol";

/// The room of Alice and Bob.
pub const PAIR: &str = "pair";

/// A room of Carol and Bob.
pub const PROBE: &str = "probe";

/// A room in which the attacker may say what they like.
pub const OWN: &str = "own";

/// How large the world is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rooms `heavy-N` of the attacker, each with messages of 16 KB of `data`.
    pub heavy_rooms: usize,
    /// Messages in each of them.
    pub heavy_messages: usize,
    /// Rooms `wide-N` of one product of the attacker's.
    pub wide_rooms: usize,
    /// Rooms `bazaar-N` of one product of the attacker's: their buyers can make offers.
    pub bazaar_rooms: usize,
    /// Messages of 16 KB of words in the room `words`.
    pub word_messages: usize,
    /// Products `goods-N` of Bob's.
    pub goods: usize,
}

/// For the suite.
pub const SMALL: Size =
    Size { heavy_rooms: 4, heavy_messages: 50, wide_rooms: 200, bazaar_rooms: 50, word_messages: 64, goods: 50 };

/// For the benchmark.
pub const LARGE: Size =
    Size { heavy_rooms: 10, heavy_messages: 200, wide_rooms: 1000, bazaar_rooms: 300, word_messages: 1000, goods: 500 };

/// Longest message, by default.
pub const MESSAGE_BYTES: usize = 16 * 1024;

/// `data` of 16 KB that weighs most as a tree: `[{"a":0},…]`.
pub fn heavy_data() -> String {
    let objects = vec![r#"{"a":0}"#; (MESSAGE_BYTES - 1) / 8];
    format!("[{}]", objects.join(","))
}

/// 16 KB of words, each of which a search can find.
fn words(seed: usize) -> String {
    let mut text = String::with_capacity(MESSAGE_BYTES);
    let mut state = seed as u64 + 1;
    while text.len() < MESSAGE_BYTES - 16 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = write!(text, "{:x} ", state >> 36);
    }
    text
}

/// A database that was seeded once and is copied for each server.
pub struct World {
    folder: TempDir,
    pub size: Size,
}

impl World {
    /// Seeds a database with the binary's own import.
    pub fn new(binary: &Path, size: Size) -> Self {
        let folder = TempDir::new().unwrap();
        let lines = folder.path().join("world.ndjson");
        std::fs::write(&lines, import_lines(size)).unwrap();
        let imported = Command::new(binary)
            .args(["import".as_ref(), lines.as_os_str(), "--database-url".as_ref()])
            .arg(folder.path().join("haggle.db"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        std::fs::remove_file(lines).unwrap();
        Self { folder, size }
    }

    /// Copies the database into a folder and gives its path.
    pub fn copy_to(&self, folder: &Path) -> PathBuf {
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("haggle.db") {
                std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
            }
        }
        folder.join("haggle.db")
    }
}

/// The lines of the import.
struct Lines {
    text: String,
    now: Timestamp,
}

impl Lines {
    fn user(&mut self, id: &str) {
        let _ = writeln!(self.text, "{}", json!({"type": "user", "id": id, "name": id}));
    }

    fn product(&mut self, id: &str, seller: &str) {
        let line =
            json!({"type": "product", "id": id, "sellerId": seller, "title": id, "price": 980_000, "currency": "KRW"});
        let _ = writeln!(self.text, "{line}");
    }

    fn room(&mut self, id: &str, product: &str, buyer: &str) {
        let _ = writeln!(self.text, "{}", json!({"type": "room", "id": id, "productId": product, "buyerId": buyer}));
    }

    /// A message of the attacker's; `data` is JSON.
    fn message(&mut self, room: &str, text: &str, data: Option<&str>) {
        let line = json!({"type": "message", "roomId": room, "senderId": MALLORY, "text": text, "sentAt": self.now});
        let line = line.to_string();
        match data {
            Some(data) => self.text += &format!("{},\"data\":{data}}}\n", &line[..line.len() - 1]),
            None => self.text += &format!("{line}\n"),
        }
    }
}

fn import_lines(size: Size) -> String {
    let mut lines = Lines { text: String::new(), now: Clock::System.now() };
    for user in [MALLORY, ALICE, BOB, CAROL] {
        lines.user(user);
    }
    lines.product("bicycle", BOB);
    lines.room(PAIR, "bicycle", ALICE);
    lines.room(PROBE, "bicycle", CAROL);
    for place in 0..size.goods {
        lines.product(&format!("goods-{place}"), BOB);
    }
    for product in [OWN, "heavy", "wide", "bazaar", "words"] {
        lines.product(product, MALLORY);
    }
    lines.room(OWN, OWN, BOB);
    lines.room("words", "words", BOB);
    for place in 0..size.wide_rooms.max(size.bazaar_rooms).max(size.heavy_rooms) {
        lines.user(&format!("buyer-{place}"));
    }
    for (product, rooms) in [("heavy", size.heavy_rooms), ("wide", size.wide_rooms), ("bazaar", size.bazaar_rooms)] {
        for place in 0..rooms {
            lines.room(&format!("{product}-{place}"), product, &format!("buyer-{place}"));
        }
    }
    let heavy = heavy_data();
    for place in 0..size.heavy_rooms {
        for message in 0..size.heavy_messages {
            lines.message(&format!("heavy-{place}"), &format!("{message}"), Some(&heavy));
        }
    }
    // The first page of the attacker's list: each entry shows its last message.
    for place in 0..size.wide_rooms.min(100) {
        lines.message(&format!("wide-{place}"), "last", Some(&heavy));
    }
    for message in 0..size.word_messages {
        lines.message("words", &words(message), None);
    }
    lines.text
}
