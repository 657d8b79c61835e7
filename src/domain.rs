//! Plain data and rules: no actix, no diesel, no I/O.

pub mod authorize;
pub mod field;
pub mod id;

pub mod import_line;
pub mod masking;
pub mod message;
pub mod product;
pub mod room;
pub mod search;
pub mod stored_image;
pub mod timestamp;
pub mod user;

pub use authorize::AuthorizePolicy;
pub use id::{ClientId, MessageId, ProductId, RoomId, Seq, SessionId, UserId};
pub use import_line::ImportLine;
pub use masking::{ContactKind, MaskingPolicy, Screened};
pub use message::{Draft, MessageKind, StoredMessage};
pub use product::{Product, ProductStatus};
pub use room::{Participants, Role, Room, RoomSummary};
pub use timestamp::Timestamp;
pub use user::User;
