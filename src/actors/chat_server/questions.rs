//! Questions to the database that come in numbers: they gather while others are out, and go together.
//!
//! One alone goes at once. After a restart, when everybody comes back within seconds, a hundred share one way to the database.

use std::mem;

use actix::{Context, Handler, Message as ActixMessage};

use super::{
    ChatServer,
    answers::{Authorized, HistoryRead, RoomLoaded},
    rooms::Place,
};
use crate::{
    actors::{db_executor::messages::Loaded, hub::Asker},
    db::{DbError, MessagePage, Messages},
    domain::{Role, RoomId, UserId},
};

/// Lists of one kind that are out at once: as many as there are threads that read.
const LISTS_OUT_MAX: usize = 4;

/// Questions in one list whose answers are small, and pages of history in one.
const ASKED_MAX: usize = 256;
const HISTORIES_MAX: usize = 32;

/// An entry whose history is to be read.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) asker: Asker,
    pub(super) room: RoomId,
    pub(super) role: Role,
    pub(super) place: Place,
    pub(super) page: MessagePage,
}

/// Questions of one kind.
#[derive(Debug)]
struct Kind<T> {
    gathered: Vec<T>,
    out: usize,
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self { gathered: Vec::new(), out: 0 }
    }
}

impl<T> Kind<T> {
    /// The next list to ask, if one may go out.
    fn take(&mut self, max: usize) -> Option<Vec<T>> {
        if self.gathered.is_empty() || self.out >= LISTS_OUT_MAX {
            return None;
        }
        self.out += 1;
        let later = self.gathered.split_off(self.gathered.len().min(max));
        Some(mem::replace(&mut self.gathered, later))
    }
}

/// What gathers.
#[derive(Debug, Default)]
pub(super) struct Questions {
    members: Kind<(RoomId, UserId)>,
    rooms: Kind<RoomId>,
    histories: Kind<Entry>,
}

impl Questions {
    /// Asks whether a user is a member of a room.
    pub(super) fn member(&mut self, room: RoomId, user: UserId) {
        self.members.gathered.push((room, user));
    }

    /// Asks for a room.
    pub(super) fn room(&mut self, room: RoomId) {
        self.rooms.gathered.push(room);
    }

    /// Asks for the history of an entry.
    pub(super) fn history(&mut self, entry: Entry) {
        self.histories.gathered.push(entry);
    }
}

/// The database has said who is a member. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct MembersFound {
    asked: Vec<(RoomId, UserId)>,
    allowed: Result<Vec<bool>, DbError>,
}

/// The database has read rooms. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct RoomsLoaded {
    asked: Vec<RoomId>,
    loaded: Result<Vec<Loaded>, DbError>,
}

/// The database has read histories. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct HistoriesRead {
    asked: Vec<Entry>,
    histories: Result<Vec<Result<Messages, DbError>>, DbError>,
}

impl ChatServer {
    /// The end of a turn: asks what has gathered.
    pub(super) fn flush_questions(&mut self, ctx: &mut Context<Self>) {
        while let Some(asked) = self.questions.members.take(ASKED_MAX) {
            let database = self.database.clone();
            self.ask(ctx, async move {
                let allowed = database.authorize_all(asked.clone()).await;
                MembersFound { asked, allowed }
            });
        }
        while let Some(asked) = self.questions.rooms.take(ASKED_MAX) {
            let database = self.database.clone();
            self.ask(ctx, async move {
                let loaded = database.load_rooms(asked.clone()).await;
                RoomsLoaded { asked, loaded }
            });
        }
        while let Some(asked) = self.questions.histories.take(HISTORIES_MAX) {
            let database = self.database.clone();
            let pages = asked.iter().map(|entry| (entry.room.clone(), entry.page)).collect();
            self.ask(ctx, async move {
                let histories = database.read_histories(pages).await;
                HistoriesRead { asked, histories }
            });
        }
    }
}

/// Each one's own answer; where there is none for all, each gets the reason.
fn each<T>(count: usize, answers: Result<Vec<Result<T, DbError>>, DbError>) -> Vec<Result<T, DbError>> {
    match answers {
        Ok(answers) => answers,
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

impl Handler<MembersFound> for ChatServer {
    type Result = ();

    fn handle(&mut self, MembersFound { asked, allowed }: MembersFound, ctx: &mut Self::Context) {
        self.questions.members.out -= 1;
        let allowed = each(asked.len(), allowed.map(|allowed| allowed.into_iter().map(Ok).collect()));
        for ((room, user), allowed) in asked.into_iter().zip(allowed) {
            self.guarded("authorized", |server| server.authorized(Authorized { room, user, allowed }, ctx));
        }
    }
}

impl Handler<RoomsLoaded> for ChatServer {
    type Result = ();

    fn handle(&mut self, RoomsLoaded { asked, loaded }: RoomsLoaded, ctx: &mut Self::Context) {
        self.questions.rooms.out -= 1;
        if let Err(error) = &loaded {
            log::warn!("{} rooms could not be read: {error}", asked.len());
        }
        for (room, state) in asked.iter().zip(each(asked.len(), loaded)) {
            let state = state.map(|state| state.map(Box::new));
            self.guarded("loaded", |server| server.room_read(RoomLoaded { room: room.clone(), state }, ctx));
        }
    }
}

impl Handler<HistoriesRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, HistoriesRead { asked, histories }: HistoriesRead, ctx: &mut Self::Context) {
        self.questions.histories.out -= 1;
        if let Err(error) = &histories {
            log::warn!("{} histories could not be read: {error}", asked.len());
        }
        let histories = each(asked.len(), histories);
        for (Entry { asker, room, role, place, page }, messages) in asked.into_iter().zip(histories) {
            let catches_up = matches!(page, MessagePage::After { .. });
            let read = HistoryRead { asker, room, role, place, catches_up, messages };
            self.guarded("history", |server| server.history_read(read, ctx));
        }
    }
}
