//! How each question of the chat is put to the database.

use crate::{
    actors::db_executor::{Database, purpose::Reading},
    chat::{
        cluster::reconcile::{MISSING_BYTES_MAX, MISSING_MAX, NEWS_MAX},
        db_read::{DbAnswer, DbRead, FindRecovery, ListMissed},
        profiles::{LOOK_MAX, ROOMS},
        reads::HISTORY_BYTES_MAX,
        recovery::{MISSED_BYTES_MAX, MISSED_MESSAGES_MAX},
    },
    db::{self, Connection},
    domain::Account,
};

/// Asks, and waits for the answer.
pub(super) async fn answer(database: &Database, read: DbRead) -> DbAnswer {
    match read {
        DbRead::Members(list) => {
            let allowed = database.authorize_all(list.asked.clone()).await;
            DbAnswer::Members(list, allowed)
        }
        DbRead::Rooms(list) => {
            let loaded = database.load_rooms(list.asked.clone()).await;
            DbAnswer::Rooms(list, loaded)
        }
        DbRead::Histories(list) => {
            let pages = list.asked.iter().map(|entry| (entry.room.clone(), entry.page)).collect();
            let histories = database.read_histories(pages, HISTORY_BYTES_MAX).await;
            DbAnswer::Histories(list, histories)
        }
        DbRead::Recovery(asked) => find_recovery(database, asked).await,
        DbRead::Missed(asked) => list_missed(database, asked).await,
        DbRead::Renamed(Some(place)) => {
            let look = Reading::check(Account::Server, "list_renamed");
            DbAnswer::Renamed(database.read(look, move |conn| db::list_renamed(conn, place, LOOK_MAX)).await)
        }
        DbRead::Renamed(None) => {
            let newest = database.read(Reading::check(Account::Server, "list_renamed"), db::find_newest).await;
            DbAnswer::Renamed(newest.map(|newest| (Vec::new(), newest.change)))
        }
        DbRead::OtherMembers(walk) => {
            let (user, role, after) = (walk.user.clone(), walk.role, walk.after.clone());
            let list = move |conn: &mut Connection| db::list_other_members(conn, &user, role, after.as_ref(), ROOMS);
            let found = database.read(Reading::list(Account::Server, "list_other_members"), list).await;
            DbAnswer::OtherMembers(walk, found)
        }
        DbRead::Waves => {
            DbAnswer::Waves(database.read(Reading::check(Account::Server, "list_waves"), db::list_waves).await)
        }
        DbRead::Newest => DbAnswer::Newest(database.read_for_all("find_newest", db::find_newest).await),
        DbRead::News(place) => {
            let list = move |conn: &mut Connection| db::list_news(conn, place, NEWS_MAX);
            DbAnswer::News(database.read_for_all("list_news", list).await)
        }
        DbRead::Missing { asked, since } => {
            let list = move |conn: &mut Connection| db::list_behind(conn, &since, MISSING_MAX, MISSING_BYTES_MAX);
            DbAnswer::Missing(asked, database.read_for_all("list_behind", list).await)
        }
        DbRead::RoomsAgain(asked) => {
            let rooms: Vec<_> = asked.iter().map(|(room, _)| room.clone()).collect();
            let load = move |conn: &mut Connection| db::load_rooms(conn, &rooms);
            DbAnswer::RoomsAgain(asked, database.read_for_all("refresh_rooms", load).await)
        }
        DbRead::Changed(asked) => {
            let messages = asked.clone();
            let find = move |conn: &mut Connection| db::find_messages(conn, &messages, MISSING_BYTES_MAX);
            DbAnswer::Changed(asked, database.read_for_all("find_messages", find).await)
        }
        DbRead::Unread(user, asked) => {
            let (purpose, of) = (Reading::list(user.clone(), "list_unread"), user.clone());
            let found = database.read(purpose, move |conn| db::list_unread(conn, &of)).await;
            DbAnswer::Unread(user, asked, found)
        }
    }
}

async fn find_recovery(database: &Database, asked: FindRecovery) -> DbAnswer {
    let (purpose, pid_hash) = (Reading::check(asked.user.clone(), "find_recovery"), asked.pid_hash.clone());
    let found = database.read(purpose, move |conn| db::find_recovery(conn, &pid_hash)).await;
    DbAnswer::Recovery(asked, found)
}

async fn list_missed(database: &Database, asked: ListMissed) -> DbAnswer {
    let ListMissed { session, account, since, seen } = asked;
    let list = move |conn: &mut Connection| db::list_missed(conn, &since, seen, MISSED_MESSAGES_MAX, MISSED_BYTES_MAX);
    DbAnswer::Missed(session, database.read(Reading::check(account, "list_missed"), list).await)
}
