//! Every route on one page.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};

use super::{
    api::{
        audit, blocks, currencies, demo, events, features, images, me, messages, moderation, notes, offers, operations,
        origin, products, push_subscriptions, reactions, reports, room_staff, rooms, sanctions, search, staff_rooms,
        users,
    },
    embed, engine_io, health, openapi,
    problem::Problem,
    socket_io, static_files, ws,
};
use crate::{actors::session::socket_io::SocketIo, error::ChatError};

/// The routes that OpenAPI describes.
pub fn documented(config: &mut web::ServiceConfig) {
    config.configure(of_rooms).configure(of_server).configure(of_people_and_products);
}

fn of_rooms(config: &mut web::ServiceConfig) {
    config
        .service(read("/api/v1/rooms", rooms::list_rooms).route(web::post().to(rooms::open_room)))
        .service(read("/api/v1/rooms/{id}", rooms::get_room))
        .service(web::resource("/api/v1/rooms/{id}/read").route(web::put().to(rooms::mark_read)))
        .service(web::resource("/api/v1/rooms/{id}/delivered").route(web::put().to(rooms::mark_delivered)))
        .service(
            web::resource("/api/v1/rooms/{id}/freeze")
                .route(web::put().to(moderation::freeze_room))
                .route(web::delete().to(moderation::unfreeze_room)),
        )
        .service(web::resource("/api/v1/rooms/{id}/warnings").route(web::post().to(moderation::warn_user)))
        .service(web::resource("/api/v1/rooms/{id}/join").route(web::post().to(room_staff::join_room)))
        .service(web::resource("/api/v1/rooms/{id}/leave").route(web::post().to(room_staff::leave_room)))
        .service(web::resource("/api/v1/rooms/{id}/waiting").route(web::delete().to(staff_rooms::end_wait)))
        .service(web::resource("/api/v1/rooms/{id}/settings").route(web::patch().to(rooms::set_room_settings)))
        .service(web::resource("/api/v1/rooms/{id}/token").route(web::post().to(rooms::issue_room_token)))
        .service(
            read("/api/v1/rooms/{id}/messages", messages::list_messages).route(web::post().to(messages::send_message)),
        )
        .service(
            web::resource("/api/v1/rooms/{id}/messages/{messageId}")
                .route(web::patch().to(messages::edit_message))
                .route(web::delete().to(messages::delete_message)),
        )
        .service(
            web::resource("/api/v1/rooms/{id}/messages/{messageId}/reaction")
                .route(web::put().to(reactions::react))
                .route(web::delete().to(reactions::take_back_reaction)),
        )
        .service(web::resource("/api/v1/rooms/{id}/offers").route(web::post().to(offers::make_offer)))
        .service(
            web::resource("/api/v1/rooms/{id}/offers/{messageId}/answer").route(web::post().to(offers::answer_offer)),
        )
        .service(web::resource("/api/v1/rooms/{id}/images").route(web::post().to(images::send_image)));
}

fn of_server(config: &mut web::ServiceConfig) {
    config
        .service(read("/healthz", health::healthz))
        .service(read("/readyz", health::readyz))
        .service(read("/metrics", health::metrics))
        .service(read("/api/v1/openapi.json", openapi::get_document))
        .service(read("/api/docs", openapi::redirect_to_page))
        .service(read("/api/docs/{file:.*}", openapi::get_page_file))
        .service(read("/embed/{file:.*}", embed::get_embed_file))
        .service(read("/api/v1/features", features::get_features))
        .service(read("/api/v1/currencies", currencies::list_currencies))
        .service(read("/api/v1/origin", origin::get_origin))
        .service(read("/api/v1/me", me::get_me))
        .service(read("/api/v1/me/settings", me::get_settings).route(web::patch().to(me::set_settings)))
        .service(read("/api/v1/me/unread", me::get_unread))
        .service(
            read("/api/v1/me/push-subscriptions", push_subscriptions::list_push_subscriptions)
                .route(web::post().to(push_subscriptions::subscribe)),
        )
        .service(
            web::resource("/api/v1/me/push-subscriptions/{id}")
                .route(web::delete().to(push_subscriptions::unsubscribe)),
        )
        .service(read("/api/v1/events", events::list_events))
        .service(read("/api/v1/images/{key}", images::get_image))
        .service(read("/api/v1/search", search::search_messages));
}

/// Most of these are for the marketplace's backend and staff.
fn of_people_and_products(config: &mut web::ServiceConfig) {
    config
        .service(read("/api/v1/blocks", blocks::list_blocks))
        .service(
            web::resource("/api/v1/blocks/{userId}")
                .route(web::put().to(blocks::block))
                .route(web::delete().to(blocks::unblock)),
        )
        .service(read("/api/v1/reports", reports::list_reports).route(web::post().to(reports::report)))
        .service(read("/api/v1/reports/{id}", reports::get_report).route(web::patch().to(reports::update_report)))
        .service(
            read("/api/v1/reports/{id}/notes", notes::list_report_notes).route(web::post().to(notes::add_report_note)),
        )
        .service(read("/api/v1/search/all", search::search_all_messages))
        .service(read("/api/v1/users", search::search_users))
        .service(
            read("/api/v1/products/{id}", products::get_product)
                .route(web::put().to(products::put_product))
                .route(web::patch().to(products::set_product_status)),
        )
        .service(read("/api/v1/products/{id}/rooms", products::list_product_rooms))
        .service(
            web::resource("/api/v1/products/{id}/unlisted")
                .route(web::put().to(moderation::unlist_product))
                .route(web::delete().to(moderation::relist_product)),
        )
        .service(
            read("/api/v1/users/{id}", users::get_user)
                .route(web::put().to(users::put_user))
                .route(web::delete().to(users::delete_user)),
        )
        .service(read("/api/v1/users/{id}/rooms", users::list_user_rooms))
        .service(
            web::resource("/api/v1/users/{id}/mute")
                .route(web::put().to(sanctions::mute_user))
                .route(web::delete().to(sanctions::unmute_user)),
        )
        .service(
            web::resource("/api/v1/users/{id}/ban")
                .route(web::put().to(sanctions::ban_user))
                .route(web::delete().to(sanctions::unban_user)),
        )
        .service(read("/api/v1/users/{id}/notes", notes::list_user_notes).route(web::post().to(notes::add_user_note)))
        .service(read("/api/v1/mutes", sanctions::list_mutes))
        .service(read("/api/v1/bans", sanctions::list_bans))
        .service(read("/api/v1/staff/rooms", staff_rooms::list_staff_rooms))
        .service(read("/api/v1/audit", audit::list_audit))
        .service(read("/api/v1/operations", operations::get_operations))
        .service(read("/api/v1/users/{id}/export", users::export_user))
        .service(web::resource("/api/v1/users/{id}/disconnect").route(web::post().to(users::disconnect_user)));
}

/// The demo's own routes, which OpenAPI describes where they exist.
pub fn demo(config: &mut web::ServiceConfig) {
    config
        .service(read("/api/v1/demo/users", demo::list_demo_users))
        .service(read("/api/v1/demo/products", demo::list_demo_products))
        .service(web::resource("/api/v1/demo/sign-in").route(web::post().to(demo::sign_in_to_demo)));
}

/// The wires. They come first: each route before them is compared with, and these are asked for most.
pub fn wires(config: &mut web::ServiceConfig) {
    config.route("/ws/chat", web::get().to(ws::open)).configure(engine_io::routes::<SocketIo>(socket_io::PATH));
}

/// The page, and what is at no address.
pub fn page(config: &mut web::ServiceConfig) {
    config
        // Whatever the method: the page below would answer that it knows only one.
        .service(web::resource("/api/{path:.*}").to(nothing))
        .service(read("/{path:.*}", static_files::serve));
}

/// An address that is read: with GET, and with HEAD for what GET would say without saying it.
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// What is at no address.
///
/// # Errors
/// `not_found`, always.
pub async fn nothing() -> Result<HttpResponse, Problem> {
    Err(ChatError::not_found("there is nothing at this address").into())
}
