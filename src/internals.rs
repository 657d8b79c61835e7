//! What haggle's own tests, benchmarks and fuzz targets reach into. No part of the library's interface: it changes with any
//! commit.

pub use crate::server::ServerBuilder;

pub mod actors {
    pub mod hub {
        pub use crate::actors::hub::{Hub, OpenSession, SessionNotice};
    }
    pub mod outbox {
        pub use crate::actors::outbox::{OutFrame, Outbox};
    }
    pub mod session {
        pub mod engine_io {
            pub use crate::actors::session::engine_io::{Application, EngineConnection, EngineSettings, Sessions};
        }
        pub mod socket_io {
            pub use crate::actors::session::socket_io::{
                Handshake, Middleware, Namespace, NamespaceEvent, NamespaceMember, Newcomer, Seat, SocketIo, Table,
            };
        }
        pub mod transport {
            pub use crate::actors::session::transport::{FRAGMENTS_MAX, FrameStream, ReadError, accept};
        }
    }
}
pub mod auth {
    pub use crate::auth::{LEEWAY_MS, RoomTokens, Signer, Verifier};
    pub mod token_source {
        pub use crate::auth::token_source::{find_token, redact};
    }
}
pub mod broker {
    pub use crate::broker::{Envelope, NodeEvent, NodeId, Topic};
}
pub mod chat {
    pub use crate::chat::{Chat, ChatSettings};
    pub mod db_read {
        pub use crate::chat::db_read::{DbAnswer, DbRead};
    }
    pub mod effects {
        pub use crate::chat::effects::{BusOp, Effects, When};
    }
    pub mod hub_op {
        pub use crate::chat::hub_op::{Asker, Delivery, HubId, Op, RoomEvent};
    }
    pub mod in_flight {
        pub use crate::chat::in_flight::{InFlight, Slot};
    }
    pub mod input {
        pub use crate::chat::input::{Input, Now};
    }
    pub mod request {
        pub use crate::chat::request::{
            Change, Connect, Disconnect, Join, Leave, MakeOffer, Message, React, Read, Received, ReplyTo, Resume,
            SessionEvent, Typing, Welcome,
        };
    }
    pub mod rooms {
        pub use crate::chat::rooms::Feed;
    }
    pub mod timer {
        pub use crate::chat::timer::Timer;
    }
}
pub mod cli {
    pub use crate::cli::run;
}
pub mod clock {
    pub use crate::clock::Clock;
}
pub mod config {
    pub use crate::config::{
        Config, Limits, Options, PushTarget, SAMPLE, ScreenTarget, Secret, TlsFiles, WebhookTarget,
    };
}
pub mod db {
    pub use crate::db::{
        AuditFilter, BytesMax, Connection, DbError, ImportOptions, MessagePage, Moderate, Moderation, NewReport,
        Outcomes, Pool, PooledConnection, Reported, RoomList, Scope, Tail, Unsettled, Write, Written, allow_contact,
        end_recoveries, find_former_texts, find_messages, find_newest, find_recovery, find_removed_words, find_room,
        find_standings, has_unfilled_names, import_str, is_index_behind, is_member, list_audit, list_behind,
        list_erasures, list_histories, list_messages, list_missed, list_news, list_other_members, list_renamed,
        list_rooms, list_unread, list_waves, load_room, load_rooms, migrate, open, open_room, settle_everything,
        store_report, write_batch, write_deferred,
    };
}
pub mod domain {
    pub use crate::domain::{
        AuditAction, AuditEntry, AuthorizePolicy, ClientId, Data, Draft, Emoji, MaskingPolicy, MessageId, MessageKind,
        Moderator, Product, ProductId, ProductStatus, Recovery, Role, Room, RoomId, RoomSettingsPatch, SanctionKind,
        Screened, Seq, SessionId, SettingsPatch, StoredMessage, Timestamp, User, UserId, WebhookEvent, WebhookEvents,
    };
    pub mod masking {
        pub use crate::domain::masking::{ContactKind, Inspected, MaskingPolicy, RecentDigits, find, find_after, mask};
    }
    pub mod offer {
        pub use crate::domain::offer::{OfferDecision, OfferStatus, Price, StandingOffer};
    }
    pub mod screen {
        pub use crate::domain::screen::{ScreenFallback, ScreenWhen, ScreenedKinds};
    }
    pub mod safety {
        pub use crate::domain::safety::{Decision, ReportCategory};
    }
}
pub mod error {
    pub use crate::error::{CloseCode, ErrorCode};
}
pub mod http {
    pub mod admission {
        pub use crate::http::admission::{Admission, Arrival};
    }
    pub mod engine_io {
        pub use crate::http::engine_io::{Endpoint, routes};
    }
    pub mod listener {
        pub use crate::http::listener::{Listener, bind};
    }
    pub mod origin {
        pub use crate::http::origin::Origins;
    }
    pub mod policy {
        pub use crate::http::policy::{Needs, RULES};
    }
}
pub mod metrics {
    pub use crate::metrics::{Metrics, Reason};
}
pub mod protocol {
    pub mod engine_io {
        pub use crate::protocol::engine_io::{Packet, PacketError};
        pub mod packet {
            pub use crate::protocol::engine_io::packet::MESSAGE;
        }
        pub mod payload {
            pub use crate::protocol::engine_io::payload::{decode, write_binary, write_text};
        }
    }
    pub mod event {
        pub use crate::protocol::event::{ClientEvent, RoomUpdated};
    }
    pub mod json {
        pub use crate::protocol::json::{REQUEST_ID_BYTES_MAX, RequestId, decode, encode_error, encode_reply, to_json};
    }
    pub mod push {
        pub use crate::protocol::push::{Encoding, Offset, Push};
    }
    pub mod socket_io {
        pub use crate::protocol::socket_io::{EventName, Kind, Packet};
        pub mod attachments {
            pub use crate::protocol::socket_io::attachments::check_placeholders;
        }
    }
    pub mod view {
        pub use crate::protocol::view::{MessageView, Presenter, SignImageUrls};
    }
    pub mod websocket {
        pub use crate::protocol::websocket::{
            Decoder, FrameError, FrameLimits, Incoming, Opcode, write_close, write_frame,
        };
    }
}
