//! The hot paths, to have their instructions counted: `benches/counts.sh` runs this under callgrind.
//!
//! `counts PATH TIMES` repeats one operation. The difference between two runs is the operation's cost: the start, the
//! fixtures and the seeds of the hash maps are in both.

#![allow(missing_docs, clippy::unwrap_used, reason = "a program that fails may stop where it stands")]

mod live_room;

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use haggle::internals::{
    db::{self, Write},
    domain::{
        ClientId, Draft, MessageId, MessageKind, Product, ProductId, ProductStatus, RoomId, Screened, Seq,
        StoredMessage, Timestamp, User, UserId,
        masking::{RecentDigits, find_after},
    },
    protocol::{
        json,
        push::{Encoding, Offset, Push},
        view::{MessageView, Presenter, SignImageUrls},
        websocket::{Decoder, FrameLimits, Incoming, Opcode, write_frame},
    },
};
use live_room::LiveRoom;

const AT: Timestamp = Timestamp(1_800_000_000_000);
const TEXT: &str =
    "Hello there, is the bike still for sale and could I come by tomorrow in the evening to have a look at it? Thanks";
const MASK: [u8; 4] = [0x5a, 0xc3, 0x7e, 0x19];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let (Some(path), Some(times)) = (arguments.next(), arguments.next()) else {
        // `cargo bench` runs every bench; this one has nothing to say without a path.
        return;
    };
    let times: usize = times.parse().unwrap();
    match path.as_str() {
        "decode" => decode(times),
        "screen" => screen(times),
        "deliver" => deliver(times, 2),
        "fan-out" => deliver(times, 100),
        "encode" => encode(times),
        "batch" => batch(times),
        other => panic!("no such path: {other}"),
    }
}

/// A client's frame, from bytes to an event.
fn decode(times: usize) {
    let message = format!(
        r#"{{"event":"message","data":{{"roomId":"0123456789abcdef0123456789abcdef","text":"{TEXT}","clientId":"c-000001"}},"id":17}}"#
    );
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(MASK);
    frame.extend(message.bytes().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    let limits = FrameLimits { message_bytes_max: 65536, fragments_max: 1024 };
    let mut decoder = Decoder::new(limits);
    for _ in 0..times {
        let mut bytes = BytesMut::from(&frame[..]);
        let Some(Incoming::Text(text)) = decoder.decode(&mut bytes).unwrap() else { panic!("not a text") };
        black_box(json::decode(&text).event.unwrap());
    }
}

/// The look for telephone numbers and the like.
fn screen(times: usize) {
    let mut recent = RecentDigits::default();
    for _ in 0..times {
        black_box(find_after(black_box(TEXT), &mut recent));
    }
}

/// A stored message, from the hub to the bytes that a socket is given.
fn deliver(times: usize, sessions: u64) {
    let system = actix::System::new();
    let mut room = system.block_on(async { LiveRoom::of(sessions) });
    let stored = json::to_json(&MessageView::of(&stored(), &Presenter::new(AT, &PlainPaths)));
    for number in 0..times {
        let seq = i64::try_from(number).unwrap() + 1;
        room.deliver(Seq(seq), Push::message(stored.clone(), Offset::exact(seq)));
    }
}

/// A stored message, to a frame of each wire.
fn encode(times: usize) {
    let stored = stored();
    let presenter = Presenter::new(AT, &PlainPaths);
    let chat = Encoding::SocketIo { namespace: "/chat", offsets: true };
    for _ in 0..times {
        let push = Push::message(json::to_json(&MessageView::of(black_box(&stored), &presenter)), Offset::exact(7));
        for encoding in [Encoding::Json, chat] {
            let mut frame = BytesMut::new();
            let payload: Bytes = push.encode(encoding);
            write_frame(&mut frame, Opcode::Text, &payload);
            black_box(frame);
        }
    }
}

#[derive(Debug)]
struct PlainPaths;

impl SignImageUrls for PlainPaths {
    fn sign(&self, key: &str) -> String {
        format!("/{key}")
    }
}

fn stored() -> StoredMessage {
    StoredMessage {
        id: MessageId::next(),
        room_id: RoomId::new("0123456789abcdef0123456789abcdef").unwrap(),
        seq: Seq(1234),
        position: 7,
        sender_id: UserId::new("alice").unwrap(),
        client_id: Some(ClientId::new("c-000001").unwrap()),
        kind: MessageKind::Text,
        text: Some(TEXT.to_owned()),
        data: None,
        sent_at: AT,
        edited_at: None,
        deleted_at: None,
        warnings: Vec::new(),
        reply_to: None,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: None,
    }
}

/// A batch of 64 messages in 16 rooms, to its commit.
fn batch(times: usize) {
    let folder = tempfile::tempdir().unwrap();
    let pool = db::open(folder.path().join("counts.db").to_str().unwrap(), 1).unwrap();
    db::migrate(&pool).unwrap();
    let mut conn = pool.get().unwrap();
    let seller = UserId::new("seller").unwrap();
    let product = Product {
        id: ProductId::new("bike").unwrap(),
        seller_id: seller.clone(),
        title: "A bike".to_owned(),
        price: None,
        currency: None,
        image_url: None,
        status: ProductStatus::OnSale,
        unlisted: false,
    };
    let writes = [
        Write::PutUser { user: User::new(seller, "Sam".to_owned(), None) },
        Write::PutProduct { keeps_status: false, product: product.clone(), at: AT },
    ];
    db::write_batch(&mut conn, &writes, AT).unwrap();
    let rooms: Vec<(RoomId, UserId)> = (0..16)
        .map(|number| {
            let name = format!("buyer-{number}");
            let buyer = User::new(UserId::new(&name).unwrap(), name, None);
            let room = db::open_room(&mut conn, &product.id, &buyer, AT).unwrap().into_room();
            (room.id, buyer.id)
        })
        .collect();
    for time in 0..times {
        let drafts: Vec<Write> = (0..64)
            .map(|number| {
                let (room, sender) = rooms[number % rooms.len()].clone();
                Write::Append(Draft {
                    room,
                    sender,
                    client_id: Some(ClientId::new(format!("client-id-{time:08}-{number:04}")).unwrap()),
                    kind: MessageKind::Text,
                    text: Some(TEXT.to_owned()),
                    data: None,
                    reply_to: None,
                    sent_at: AT,
                    screened: Screened::Clean,
                    by_staff: false,
                })
            })
            .collect();
        let written = db::write_batch(&mut conn, &drafts, AT).unwrap();
        assert!(written.iter().all(Result::is_ok));
    }
}
