//! How each question of the chat is put to the database.

use crate::{
    actors::db_executor::{Database, purpose::Reading},
    chat::{
        cluster::reconcile::{MISSING_BYTES_MAX, MISSING_MAX, NEWS_MAX},
        db_read::{DbAnswer, DbRead, Entry, FindRecovery, List, ListMissed, ProfileWalk},
        profiles::{LOOK_MAX, ROOMS},
        reads::HISTORY_BYTES_MAX,
        recovery::{MISSED_BYTES_MAX, MISSED_MESSAGES_MAX},
    },
    db::{self, Connection, Scope},
    domain::{Account, RoomId, UserId},
};

/// Asks, and waits for the answer.
pub(super) async fn answer(database: &Database, read: DbRead) -> DbAnswer {
    let scope = read.scope();
    match read {
        DbRead::Members(list) => find_members(database, scope, list).await,
        DbRead::Rooms(list) => load_rooms(database, scope, list).await,
        DbRead::Histories(list) => list_histories(database, scope, list).await,
        DbRead::Recovery(asked) => find_recovery(database, scope, asked).await,
        DbRead::Missed(asked) => list_missed(database, scope, asked).await,
        DbRead::Renamed(Some(place)) => {
            let look = Reading::check(Account::Server, "list_renamed");
            DbAnswer::Renamed(database.read(look, scope, move |conn| db::list_renamed(conn, place, LOOK_MAX)).await)
        }
        DbRead::Renamed(None) => {
            let newest = database.read(Reading::check(Account::Server, "list_renamed"), scope, db::find_newest).await;
            DbAnswer::Renamed(newest.map(|newest| (Vec::new(), newest.change)))
        }
        DbRead::OtherMembers(walk) => list_other_members(database, scope, walk).await,
        DbRead::Waves => {
            DbAnswer::Waves(database.read(Reading::check(Account::Server, "list_waves"), scope, db::list_waves).await)
        }
        DbRead::Newest => DbAnswer::Newest(database.read_for_all("find_newest", scope, db::find_newest).await),
        DbRead::News(place) => {
            let list = move |conn: &mut Connection| db::list_news(conn, place, NEWS_MAX);
            DbAnswer::News(database.read_for_all("list_news", scope, list).await)
        }
        DbRead::Missing { asked, since } => {
            let list = move |conn: &mut Connection| db::list_behind(conn, &since, MISSING_MAX, MISSING_BYTES_MAX);
            DbAnswer::Missing(asked, database.read_for_all("list_behind", scope, list).await)
        }
        DbRead::RoomsAgain(asked) => {
            let rooms: Vec<_> = asked.iter().map(|(room, _)| room.clone()).collect();
            let load = move |conn: &mut Connection| db::load_rooms(conn, &rooms);
            DbAnswer::RoomsAgain(asked, database.read_for_all("refresh_rooms", scope, load).await)
        }
        DbRead::Changed(asked) => {
            let messages = asked.clone();
            let find = move |conn: &mut Connection| db::find_messages(conn, &messages, MISSING_BYTES_MAX);
            DbAnswer::Changed(asked, database.read_for_all("find_messages", scope, find).await)
        }
        DbRead::Unread(user, asked) => {
            let (purpose, of) = (Reading::list(user.clone(), "list_unread"), user.clone());
            let found = database.read(purpose, scope, move |conn| db::list_unread(conn, &of)).await;
            DbAnswer::Unread(user, asked, found)
        }
    }
}

async fn find_recovery(database: &Database, scope: Scope, asked: FindRecovery) -> DbAnswer {
    let (purpose, pid_hash) = (Reading::check(asked.user.clone(), "find_recovery"), asked.pid_hash.clone());
    let found = database.read(purpose, scope, move |conn| db::find_recovery(conn, &pid_hash)).await;
    DbAnswer::Recovery(asked, found)
}

async fn list_missed(database: &Database, scope: Scope, asked: ListMissed) -> DbAnswer {
    let ListMissed { session, account, since, seen } = asked;
    let list = move |conn: &mut Connection| db::list_missed(conn, &since, seen, MISSED_MESSAGES_MAX, MISSED_BYTES_MAX);
    DbAnswer::Missed(session, database.read(Reading::check(account, "list_missed"), scope, list).await)
}

async fn find_members(database: &Database, scope: Scope, list: List<(RoomId, UserId)>) -> DbAnswer {
    let asked = list.asked.clone();
    let find = move |conn: &mut Connection| match asked.as_slice() {
        // Alone it costs one statement, and not two.
        [(room, user)] => Ok(vec![db::find_standing(conn, room, user)?]),
        asked => db::find_standings(conn, asked),
    };
    let allowed = database.read_for_all("authorize_all", scope, find).await;
    DbAnswer::Members(list, allowed)
}

async fn load_rooms(database: &Database, scope: Scope, list: List<RoomId>) -> DbAnswer {
    let rooms = list.asked.clone();
    let load = move |conn: &mut Connection| {
        let rooms = db::load_rooms(conn, &rooms)?;
        Ok(rooms.into_iter().map(|(_, state)| state).collect())
    };
    let loaded = database.read_for_all("load_rooms", scope, load).await;
    DbAnswer::Rooms(list, loaded)
}

async fn list_histories(database: &Database, scope: Scope, list: List<Entry>) -> DbAnswer {
    let pages: Vec<_> = list.asked.iter().map(|entry| (entry.room.clone(), entry.page)).collect();
    let read = move |conn: &mut Connection| db::list_histories(conn, &pages, HISTORY_BYTES_MAX);
    let histories = database.read_for_all("read_histories", scope, read).await;
    DbAnswer::Histories(list, histories)
}

async fn list_other_members(database: &Database, scope: Scope, walk: ProfileWalk) -> DbAnswer {
    let (user, role, after) = (walk.user.clone(), walk.role, walk.after.clone());
    let list = move |conn: &mut Connection| db::list_other_members(conn, &user, role, after.as_ref(), ROOMS);
    let found = database.read(Reading::list(Account::Server, "list_other_members"), scope, list).await;
    DbAnswer::OtherMembers(walk, found)
}
