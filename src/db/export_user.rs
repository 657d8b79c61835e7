//! A person's data, as the lines that an import reads (CONTRACT.md section 8).
//!
//! In this order, so that parents come before children: the person; the other members of their rooms, as the person saw
//! them; their products and those that they asked about; their rooms; what they said there themselves. The other side's
//! words are the other side's data, and those of the marketplace its own: neither is here. So `seq` is not either, and an
//! import counts the messages from 1 again. What they said as a member of the staff comes last, with `staffName`: those rooms are
//! their members', and an import has to have them already. `replyTo` counts in the same way, and is left out of a reply to what is not here.
//!
//! It is read in parts, each short: a slow reader of a large export holds no snapshot of the database.

use diesel::sql_types::{BigInt, Text};
use serde::Serialize;
use serde_json::Error as JsonError;

use super::{
    Connection, DbError,
    models::{
        message,
        product::ProductRow,
        room::{self, RoomRow},
        user::{self, UserRow},
    },
    page_bytes::Space,
    prelude::*,
    push_subscriptions::list_push_subscriptions,
    schema::{products, rooms, users},
};
use crate::{
    domain::{
        ImportLine, MessageKind, ProductId, PushSubscription, Role, RoomId, Seq, Times, Timestamp, User, UserId,
        import_line::{MessageLine, RoomLine},
        support::{SUPPORT_PRODUCT, is_desk, is_support},
    },
    protocol::view::{SignImageUrls, exported},
};

/// When something was made, and when it last changed.
type TimeColumns = (Option<i64>, Option<i64>);

/// Rows read at a time.
const ROWS: i64 = 256;

/// A part ends at the first row after so many bytes.
const PART_BYTES: usize = 128 * 1024;

/// A place in an export: the part that follows begins there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportPlace {
    stage: Stage,
    /// The last id of the stage that is done.
    after: String,
    /// The room whose messages are under way, and the last of them that is done.
    within: Option<(String, i64)>,
    /// The `seq` of each line of that room so far.
    written: Vec<i64>,
}

impl ExportPlace {
    /// Which of the room's lines has the message with this `seq`, if one has.
    fn line_of(&self, seq: Seq) -> Option<Seq> {
        let place = self.written.binary_search(&seq.0).ok()?;
        i64::try_from(place + 1).ok().map(Seq)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Person,
    OtherMembers,
    OwnProducts,
    AskedProducts,
    Rooms(Role),
    Messages(Role),
    StaffMessages,
}

impl Stage {
    const fn next(self) -> Option<Self> {
        Some(match self {
            Self::Person => Self::OtherMembers,
            Self::OtherMembers => Self::OwnProducts,
            Self::OwnProducts => Self::AskedProducts,
            Self::AskedProducts => Self::Rooms(Role::Buyer),
            Self::Rooms(Role::Buyer) => Self::Rooms(Role::Seller),
            Self::Rooms(Role::Seller) => Self::Messages(Role::Buyer),
            Self::Messages(Role::Buyer) => Self::Messages(Role::Seller),
            Self::Messages(Role::Seller) => Self::StaffMessages,
            Self::StaffMessages => return None,
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct ExportPart {
    /// Whole lines; never none unless it is the last part.
    pub lines: Vec<u8>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<ExportPlace>,
}

/// Reads a part of a person's data; `None` for somebody whom the database does not know, or who was deleted.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn export_user(
    conn: &mut Connection,
    user: &UserId,
    place: ExportPlace,
    signer: &dyn SignImageUrls,
) -> Result<Option<ExportPart>, DbError> {
    let Some(person) = user::find_row(conn, user.as_str())?.filter(|row| row.deleted_at.is_none()) else {
        return Ok(None);
    };
    let mut part = Part { user, signer, lines: Vec::new(), place };
    loop {
        let is_done = part.read(conn, &person)?;
        if is_done {
            let Some(stage) = part.place.stage.next() else {
                return Ok(Some(ExportPart { lines: part.lines, next: None }));
            };
            part.place = ExportPlace { stage, ..ExportPlace::default() };
        }
        if part.is_full() {
            return Ok(Some(ExportPart { lines: part.lines, next: Some(part.place) }));
        }
    }
}

/// The person, when they were last active, and the devices that are notified for them. An import leaves these out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PersonLine {
    #[serde(flatten)]
    line: ImportLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    push_subscriptions: Vec<PushSubscription>,
}

struct Part<'a> {
    user: &'a UserId,
    /// Of images, which are in an export by their addresses and by their keys.
    signer: &'a dyn SignImageUrls,
    lines: Vec<u8>,
    place: ExportPlace,
}

impl Part<'_> {
    fn is_full(&self) -> bool {
        self.lines.len() >= PART_BYTES
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), DbError> {
        let failed = |error: JsonError| DbError::Internal(format!("a line can't be written: {error}"));
        let start = self.lines.len();
        serde_json::to_writer(&mut self.lines, line).map_err(failed)?;
        // A message's `data` is written as it was sent. Inside JSON a line break is a space between values, never a character.
        self.lines[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        self.lines.push(b'\n');
        Ok(())
    }

    /// Reads some rows of the stage, and returns whether those were the last.
    fn read(&mut self, conn: &mut Connection, person: &UserRow) -> Result<bool, DbError> {
        match self.place.stage {
            Stage::Person => {
                let times = user::find_times(conn, self.user.as_str())?;
                let push_subscriptions = list_push_subscriptions(conn, self.user)?;
                let last_seen_at = user::find_last_seen(conn, self.user.as_str())?;
                self.write(&PersonLine { line: user_line(person.clone(), times), last_seen_at, push_subscriptions })?;
                Ok(true)
            }
            Stage::OtherMembers => self.read_other_members(conn),
            Stage::OwnProducts => {
                let rows: Vec<(ProductRow, TimeColumns)> = products::table
                    .filter(products::seller_id.eq(self.user.as_str()).and(products::id.gt(&self.place.after)))
                    .order(products::id)
                    .limit(ROWS)
                    .select((ProductRow::as_select(), (products::created_at, products::updated_at)))
                    .load(conn)?;
                self.write_products(rows)
            }
            Stage::AskedProducts => {
                let asked = rooms::table.filter(rooms::buyer_id.eq(self.user.as_str())).select(rooms::product_id);
                let rows: Vec<(ProductRow, TimeColumns)> = products::table
                    .filter(products::id.eq_any(asked).and(products::id.gt(&self.place.after)))
                    .filter(products::id.ne(SUPPORT_PRODUCT))
                    .order(products::id)
                    .limit(ROWS)
                    .select((ProductRow::as_select(), (products::created_at, products::updated_at)))
                    .load(conn)?;
                self.write_products(rows)
            }
            Stage::Rooms(role) => {
                let rows = room::list_by_role(conn, self.user, role, &self.place.after, ROWS)?;
                for row in &rows {
                    let RoomRow { id, product_id, buyer_id, created_at, .. } = row.clone();
                    let line = RoomLine {
                        id: Some(RoomId::from_stored(id)),
                        product_id: (!is_support(&product_id)).then(|| ProductId::from_stored(product_id)),
                        buyer_id: UserId::from_stored(buyer_id),
                        created_at: Some(Timestamp(created_at)),
                        // By the `seq` of all messages, of which the other side's are left out.
                        read_seq: None,
                    };
                    self.write(&ImportLine::Room(line))?;
                    self.place.after.clone_from(&row.id);
                }
                Ok(is_last(&rows))
            }
            Stage::Messages(role) => {
                self.read_messages(conn, |conn, user, after| room::list_by_role(conn, user, role, after, ROWS))
            }
            Stage::StaffMessages => {
                self.read_messages(conn, |conn, user, after| room::list_by_staff(conn, user, after, ROWS))
            }
        }
    }

    fn read_other_members(&mut self, conn: &mut Connection) -> Result<bool, DbError> {
        #[derive(QueryableByName)]
        struct Id {
            #[diesel(sql_type = Text)]
            id: String,
        }
        // In SQL, since diesel has no UNION to page through. Each half goes along its own index.
        let ids: Vec<Id> = diesel::sql_query(
            "SELECT seller_id AS id FROM rooms WHERE buyer_id = $1 AND seller_id > $2 \
             UNION SELECT buyer_id FROM rooms WHERE seller_id = $1 AND buyer_id > $2 ORDER BY 1 LIMIT $3",
        )
        .bind::<Text, _>(self.user.as_str())
        .bind::<Text, _>(&self.place.after)
        .bind::<BigInt, _>(ROWS)
        .load(conn)?;
        let wanted = ids.iter().map(|row| row.id.as_str());
        let rows: Vec<UserRow> =
            users::table.filter(users::id.eq_any(wanted)).order(users::id).select(UserRow::as_select()).load(conn)?;
        for row in rows.into_iter().filter(|row| !is_desk(&row.id)) {
            // When the other members came to the marketplace is their own.
            self.write(&user_line(row, Times::default()))?;
        }
        if let Some(last) = ids.last() {
            self.place.after.clone_from(&last.id);
        }
        Ok(is_last(&ids))
    }

    fn write_products(&mut self, rows: Vec<(ProductRow, TimeColumns)>) -> Result<bool, DbError> {
        let is_last = is_last(&rows);
        for (row, times) in rows {
            self.place.after.clone_from(&row.id);
            let (product, times) = (row.into_product()?, Times::from_ms(times));
            self.write(&ImportLine::Product { product, times, keeps_status: false })?;
        }
        Ok(is_last)
    }

    fn read_messages(
        &mut self,
        conn: &mut Connection,
        list: impl FnOnce(&mut Connection, &UserId, &str) -> QueryResult<Vec<RoomRow>>,
    ) -> Result<bool, DbError> {
        if let Some((room, after)) = self.place.within.clone() {
            self.read_messages_of(conn, &room, after)?;
            return Ok(false);
        }
        let rows = list(conn, self.user, &self.place.after)?;
        for row in &rows {
            self.read_messages_of(conn, &row.id, 0)?;
            if self.place.within.is_some() || self.is_full() {
                return Ok(false);
            }
        }
        Ok(is_last(&rows))
    }

    /// Until the part is full or the room is done.
    fn read_messages_of(&mut self, conn: &mut Connection, room: &str, mut after: i64) -> Result<(), DbError> {
        const MESSAGES: i64 = 64;
        loop {
            let mut space = Space::of(PART_BYTES.saturating_sub(self.lines.len()));
            let (messages, is_cut) =
                message::list_by_sender(conn, room, self.user.as_str(), after, MESSAGES, &mut space)?;
            let is_done = !is_cut && i64::try_from(messages.len()).is_ok_and(|count| count < MESSAGES);
            for mut message in messages {
                after = message.seq.0;
                let has_words = message.text.as_ref().is_some_and(|text| !text.is_empty());
                // A line says something; anyone who deleted a message has said nothing.
                if message.deleted_at.is_none()
                    && message.kind != MessageKind::System
                    && (has_words || message.data.is_some())
                {
                    if message.kind == MessageKind::Image {
                        message.data = message.data.map(|data| exported(&data, self.signer).unwrap_or(data));
                    }
                    message.reply_to = message.reply_to.and_then(|seq| self.place.line_of(seq));
                    self.place.written.push(message.seq.0);
                    self.write(&ImportLine::Message(MessageLine::from(message)))?;
                }
            }
            if is_done {
                room.clone_into(&mut self.place.after);
                self.place.within = None;
                self.place.written.clear();
                return Ok(());
            }
            if is_cut || self.is_full() {
                self.place.within = Some((room.to_owned(), after));
                return Ok(());
            }
        }
    }
}

fn is_last<T>(rows: &[T]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|count| count < ROWS)
}

/// An import knows names alone: somebody who was deleted here is a user of that name there.
fn user_line(row: UserRow, times: Times) -> ImportLine {
    ImportLine::User { user: User { name_code: None, ..User::from(row) }, times }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            ImportOptions, Write, import_str, migrate, open,
            test_db::{NOW, TestDb, draft, product, room, say, user_id, write},
            write_batch,
        },
        domain::{Data, Draft, Product, import_line::UnknownFields},
        protocol::view::PlainPaths,
    };

    fn export(conn: &mut Connection, user: &str) -> String {
        let (mut lines, mut place) = (Vec::new(), Some(ExportPlace::default()));
        while let Some(at) = place {
            let part = export_user(conn, &user_id(user), at, &PlainPaths).unwrap().unwrap();
            // The part, and a line that did not know that it would be the last.
            assert!(part.lines.len() < PART_BYTES + 64 * 1024);
            assert!(part.next.is_none() || !part.lines.is_empty());
            lines.extend(part.lines);
            place = part.next;
        }
        String::from_utf8(lines).unwrap()
    }

    fn lines_of(export: &str, kind: &str) -> usize {
        export.lines().filter(|line| line.starts_with(&format!(r#"{{"type":"{kind}""#))).count()
    }

    #[test]
    fn an_export_can_be_imported_and_exported_the_same() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        // Carol sells many things, and asks about one of bob's; more of each than is read at a time.
        for i in 0..600 {
            let id = ProductId::new(format!("p{i:03}")).unwrap();
            write(conn, Write::PutProduct { keeps_status: false, product: Product { id, ..product("bike") }, at: NOW })
                .unwrap();
            let room = room(conn, if i % 2 == 0 { "alice" } else { "bob" }, &format!("p{i:03}"));
            let draft = draft(&room, "carol", &format!("about {i}"), (i % 3 == 0).then_some("key"));
            write(conn, Write::Append(draft)).unwrap();
        }
        let boat = Product { id: ProductId::new("boat").unwrap(), seller_id: user_id("bob"), ..product("bike") };
        write(conn, Write::PutProduct { keeps_status: false, product: boat, at: NOW }).unwrap();
        let boat = room(conn, "carol", "boat");
        for i in 0..500 {
            say(conn, &boat, "carol", &format!("{i}{}", "x".repeat(1000)));
        }
        say(conn, &boat, "bob", "the other side's words");
        for reply_to in [1, 501, 400] {
            let reply = Draft { reply_to: Some(Seq(reply_to)), ..draft(&boat, "carol", "a reply", None) };
            write(conn, Write::Append(reply)).unwrap();
        }
        let deleted = say(conn, &boat, "carol", "deleted words").id;
        write(conn, Write::Delete { message: deleted, editor: user_id("carol"), at: NOW }).unwrap();

        let exported = export(conn, "carol");
        let counted = ["user", "product", "room", "message"].map(|kind| lines_of(&exported, kind));
        assert_eq!(counted, [3, 603, 601, 1103]);
        let replies: Vec<_> = exported.lines().filter(|line| line.contains("a reply")).collect();
        assert!(replies[0].contains(r#""replyTo":1"#) && replies[2].contains(r#""replyTo":400"#));
        assert!(!replies[1].contains("replyTo"), "the other side's words have no line");
        assert!(!exported.contains("other side's words") && !exported.contains("deleted words"));
        assert!(exported.starts_with(r#"{"type":"user","id":"carol""#));

        let folder = tempfile::tempdir().unwrap();
        let pool = open(folder.path().join("empty.db").to_str().unwrap(), 1).unwrap();
        migrate(&pool).unwrap();
        let empty = &mut pool.get().unwrap();
        let (_, bad) = import_str(empty, &exported, ImportOptions { now: NOW, shift_ms: 0 }).unwrap();
        assert_eq!(bad, []);
        assert!(export(empty, "carol") == exported, "it is not the same");
    }

    #[test]
    fn a_message_is_one_line_whatever_line_breaks_its_data_holds() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let data = Data::from_json("{\"a\":\r\n 1.0,\n\"b\": \"\\n\"}".to_owned()).ok();
        write(conn, Write::Append(Draft { data, ..draft(&a, "alice", "x", None) })).unwrap();
        let exported = export(conn, "alice");
        let line = exported.lines().last().unwrap();
        assert!(line.contains(r#""data":{"a":   1.0, "b": "\n"}"#), "{line}");
        assert!(ImportLine::parse(line.as_bytes(), &mut UnknownFields::default()).is_ok());
    }

    #[test]
    fn nobody_else_and_nothing_of_the_deleted_is_exported() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let b = room(conn, "bob", "bike");
        write_batch(conn, &[Write::Append(draft(&b, "bob", "of bob", None))], NOW).unwrap();
        say(conn, &a, "alice", "of alice");
        let exported = export(conn, "alice");
        assert!(exported.contains("of alice") && !exported.contains("bob") && !exported.contains("mallory"));
        assert_eq!(lines_of(&export(conn, "mallory"), "user"), 1);
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
        for user in ["alice", "nobody"] {
            assert_eq!(export_user(conn, &user_id(user), ExportPlace::default(), &PlainPaths).unwrap(), None);
        }
    }
}
