//! Plain data and rules: no actix, no diesel, no I/O.

pub mod account;
pub mod authorize_policy;
pub mod currency;
pub mod data;
pub mod event;
pub mod fair_queue;
pub mod field;
pub mod fold;
pub mod id;
pub mod import_line;
pub mod listing;
pub mod masking;
pub mod message;
pub mod name_search;
pub mod network;
pub mod notice;
pub mod notification;
pub mod offer;
pub mod product;
pub mod push_subscription;
pub mod reaction;
pub mod recovery;
pub mod role;
pub mod room;
pub mod safety;
#[cfg(test)]
pub(crate) mod sample;
pub mod screen;
pub mod search;
pub mod settings;
pub mod staff;
pub mod staff_notice;
pub mod stored_image;
pub mod support;
pub mod times;
pub mod timestamp;
pub mod user;
pub mod webhook_event;

pub use account::{Account, AddressKey};
pub use authorize_policy::AuthorizePolicy;
pub use data::Data;
pub use event::{Event, EventCursor, Fact, GenerationTag};
pub use fair_queue::FairQueue;
pub use id::{CLIENT_ID_CHARS_MAX, ClientId, MessageId, ProductId, RoomId, Seq, SessionId, UserId};
pub use import_line::ImportLine;
pub use listing::{ListPlace, Listing, RoomSettings, RoomSettingsPatch, UnreadTotal};
pub use masking::{ContactKind, MaskingPolicy, Screened};
pub use message::{Draft, MessageKind, StoredMessage};
pub use network::Network;
pub use notice::{NameCode, Notice};
pub use notification::{UnreadNotification, WebPush};
pub use product::{Product, ProductStatus};
pub use push_subscription::{Device, NewPushSubscription, PushPlatform, PushSubscription, WebKeys};
pub use reaction::{Emoji, Reaction};
pub use recovery::Recovery;
pub use role::{Pair, Role};
pub use room::{MemberMarks, Room, RoomKind, RoomSummary};
pub use safety::Block;
pub use settings::{Settings, SettingsPatch};
pub use staff::{
    AuditAction, AuditEntry, AuditSubject, FormerText, Moderator, Note, NoteSubject, RemovedWords, Sanction,
    SanctionKind,
};
pub use times::Times;
pub use timestamp::Timestamp;
pub use user::User;
pub use webhook_event::{WebhookEvent, WebhookEvents};
