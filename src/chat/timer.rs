//! What the chat wants to be reminded of.

use super::{db_read::ProfileWalk, hub_op::HubId};
use crate::domain::{ProductId, RoomId, SessionId, Timestamp, UserId};

/// What is to be done when its time has come.
#[derive(Debug)]
pub enum Timer {
    /// Forget sessions that can't be taken up any more. Repeats.
    ForgetEnded,
    /// Send the `roomUpdated`s that have gathered.
    RoomUpdates,
    /// Announce the next rooms of a change that shows in many.
    Announcements,
    /// End the offers that expire at this time.
    OffersExpire(Timestamp),
    /// Look for expired offers, in case the last look failed. Repeats.
    SweepOffers,
    /// End the typing that was not repeated in time.
    TypingExpires,
    /// Look for unfinished waves. Repeats.
    LookForWaves,
    /// Take a product's wave one step further.
    WaveDue(ProductId, UserId),
    /// The pause after a step of a wave has ended.
    WavesGoOn,
    /// Look for users whom another process has renamed. Repeats.
    LookForRenamed,
    /// The pause has ended after a page of a user's rooms; `None` goes on with the next user.
    ShowProfile(Option<ProfileWalk>),
    /// Send a session of the inbox who is online in the rest of its rooms.
    SendOnline {
        session: SessionId,
        user: UserId,
        /// Where its outbox is.
        hub: HubId,
        /// The rooms that are left.
        rooms: Vec<RoomId>,
    },
    /// Write down which users were active.
    SeenDue,
    /// Send the other nodes a sign of life. Repeats.
    Heartbeat,
    /// Look in the database for what other nodes have committed. Repeats.
    LookForNews,
    /// Publish the presence of the next rooms, after a connection came back.
    PresenceAgain,
}

impl Timer {
    /// Its name in the log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ForgetEnded => "forget_ended",
            Self::RoomUpdates => "room_updates",
            Self::Announcements => "announcements",
            Self::OffersExpire(_) => "offers_expire",
            Self::SweepOffers => "sweep_offers",
            Self::TypingExpires => "typing_expires",
            Self::LookForWaves => "look_for_waves",
            Self::WaveDue(..) => "wave_due",
            Self::WavesGoOn => "waves_go_on",
            Self::LookForRenamed => "look_for_renamed",
            Self::ShowProfile(_) => "show_profile",
            Self::SendOnline { .. } => "send_online",
            Self::SeenDue => "seen_due",
            Self::Heartbeat => "heartbeat",
            Self::LookForNews => "look_for_news",
            Self::PresenceAgain => "presence_again",
        }
    }
}
