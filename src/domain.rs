//! Plain data and rules: no actix, no diesel, no I/O.

pub mod authorize;
pub mod event;
pub mod field;
pub mod id;
pub mod import_line;
pub mod masking;
pub mod message;
pub mod network;
pub mod notification;
pub mod offer;
pub mod product;
pub mod recovery;
pub mod room;
pub mod safety;
pub mod search;
pub mod settings;
pub mod stored_image;
pub mod timestamp;
pub mod user;

pub use authorize::AuthorizePolicy;
pub use event::{Event, EventCursor, Fact};
pub use id::{ClientId, MessageId, ProductId, RoomId, Seq, SessionId, UserId};
pub use import_line::ImportLine;
pub use masking::{ContactKind, MaskingPolicy, Screened};
pub use message::{Draft, MessageKind, StoredMessage};
pub use network::Network;
pub use notification::UnreadNotification;
pub use product::{Product, ProductStatus};
pub use recovery::Recovery;
pub use room::{Participants, Role, Room, RoomSummary};
pub use safety::Block;
pub use settings::{Settings, SettingsPatch};
pub use timestamp::Timestamp;
pub use user::User;
