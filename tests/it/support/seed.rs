//! The content of the database before a test begins.

use haggle::internals::{
    db::{self, Connection, NewReport, Pool, Reported, Write, Written},
    domain::{
        Draft, MessageKind, Product, ProductId, ProductStatus, Room, RoomId, Screened, StoredMessage, User, UserId,
        offer::Price,
        safety::{Decision, ReportCategory},
    },
};

use super::server::START;

/// A room in which nobody has written is not in its seller's list, and most tests are about those that are.
fn show_to_sellers(conn: &mut Connection) {
    conn.batch_execute("UPDATE rooms SET seller_place = 1 WHERE seller_place = -1").unwrap();
}

/// Writes users, products, rooms and messages.
pub struct Seed {
    pool: Pool,
}

impl Seed {
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    fn write(&self, write: Write) -> Written {
        let mut conn = self.pool.get().unwrap();
        db::write_batch(&mut conn, &[write], START).unwrap().pop().unwrap().unwrap()
    }

    /// A user, named like their id.
    pub fn user(&self, id: &str) -> User {
        let user = User::new(UserId::new(id).unwrap(), id.to_owned(), None);
        self.write(Write::PutUser { user: user.clone() });
        user
    }

    /// A product and its seller.
    pub fn product(&self, id: &str, seller: &str) -> Product {
        self.user(seller);
        let product = Product {
            id: ProductId::new(id).unwrap(),
            seller_id: UserId::new(seller).unwrap(),
            title: id.to_owned(),
            price: Some(980_000),
            currency: Some("KRW".to_owned()),
            image_url: None,
            status: ProductStatus::OnSale,
            unlisted: false,
        };
        self.write(Write::PutProduct { keeps_status: false, product: product.clone(), at: START });
        product
    }

    /// A room of this buyer about this product, which `sam` sells and has in his list, as after a first message.
    pub fn room(&self, buyer: &str, product: &str) -> Room {
        let product = self.product(product, "sam");
        let buyer = self.user(buyer);
        let mut conn = self.pool.get().unwrap();
        let room = db::open_room(&mut conn, &product.id, &buyer, START).unwrap().into_room();
        show_to_sellers(&mut conn);
        room
    }

    /// A user's conversation with support.
    pub fn support_room(&self, user: &str) -> RoomId {
        self.user(user);
        let id = format!("support-{user}");
        let line = format!(r#"{{"type":"room","id":"{id}","kind":"support","userId":"{user}"}}"#);
        let options = db::ImportOptions { now: START, shift_ms: 0 };
        let (_, bad) = db::import_str(&mut self.pool.get().unwrap(), &line, options).unwrap();
        assert_eq!(bad, []);
        RoomId::new(id).unwrap()
    }

    /// This many messages of one sender.
    pub fn messages(&self, room: &RoomId, sender: &str, count: usize) -> Vec<StoredMessage> {
        self.long_messages(room, sender, count, 0)
    }

    /// This many messages of one sender, each of at least this many bytes.
    pub fn long_messages(&self, room: &RoomId, sender: &str, count: usize, bytes: usize) -> Vec<StoredMessage> {
        let draft = |place| {
            Write::Append(Draft {
                room: room.clone(),
                sender: UserId::new(sender).unwrap(),
                client_id: None,
                kind: MessageKind::Text,
                text: Some(format!("message {place}{:1$}", "", bytes.saturating_sub(16))),
                data: None,
                reply_to: None,
                sent_at: START,
                screened: Screened::Clean,
                by_staff: false,
            })
        };
        let writes: Vec<_> = (1..=count).map(draft).collect();
        let mut conn = self.pool.get().unwrap();
        let outcomes = db::write_batch(&mut conn, &writes, START).unwrap();
        let stored = |outcome| match outcome {
            Ok(Written::Appended { message, .. }) => message,
            other => panic!("not appended: {other:?}"),
        };
        outcomes.into_iter().map(stored).collect()
    }
}

impl Seed {
    /// An offer that waits.
    pub fn offer(&self, room: &RoomId, maker: &str, amount: i64) -> StoredMessage {
        let price = Price { amount, currency: "KRW".to_owned() };
        let maker = UserId::new(maker).unwrap();
        let write = Write::MakeOffer { room: room.clone(), maker, price, client_id: None, at: START };
        match self.write(write) {
            Written::OfferMoved(moved) => moved.answer.unwrap(),
            other => panic!("no offer: {other:?}"),
        }
    }

    /// A report of the other member, and its id. No other report of theirs is open when it is decided.
    pub fn report(&self, room: &RoomId, reporter: &str) -> String {
        let new = NewReport {
            reporter: UserId::new(reporter).unwrap(),
            room: room.clone(),
            message: None,
            category: ReportCategory::Spam,
            text: None,
            at: START,
        };
        let mut conn = self.pool.get().unwrap();
        let Reported::New(report) = db::store_report(&mut conn, &new).unwrap() else { panic!("reported before") };
        let id = report.id.clone();
        let (decision, at) = (Decision::Dismissed, START);
        self.write(Write::DecideReport { report: report.id, decision, mute_until: None, at });
        id
    }

    /// Deletes a user in the database, without a notice to the server.
    pub fn delete_user_behind_the_server(&self, id: &str) {
        self.write(Write::DeleteUser { user: UserId::new(id).unwrap(), at: START });
    }

    /// Lets the two members exchange telephone numbers, as an accepted offer does.
    pub fn allow_contact(&self, room: &RoomId) {
        db::allow_contact(&mut self.pool.get().unwrap(), room).unwrap();
    }
}

impl Seed {
    /// This many rooms of a product, each with a buyer of its own.
    pub fn rooms(&self, product: &str, count: usize) {
        let mut lines = String::new();
        for place in 0..count {
            lines += &format!("{{\"type\":\"user\",\"id\":\"buyer-{place}\",\"name\":\"Buyer\"}}\n");
            lines += &format!("{{\"type\":\"room\",\"productId\":\"{product}\",\"buyerId\":\"buyer-{place}\"}}\n");
        }
        let options = db::ImportOptions { now: START, shift_ms: 0 };
        let mut conn = self.pool.get().unwrap();
        let (imported, bad) = db::import_str(&mut conn, &lines, options).unwrap();
        show_to_sellers(&mut conn);
        assert_eq!((imported.rooms, bad), (count as u64, vec![]));
    }
}
