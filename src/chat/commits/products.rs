//! What committed changes of offers and products do to the chat's state, and whom they notify.

use crate::{
    chat::{Chat, request::Answer},
    db::{DbError, OfferMoved, ProductChange},
    domain::{Account, ProductId, StoredMessage, Timestamp, UserId},
    error::ChatError,
};

impl Chat {
    /// An offer was made or answered: its room, and the product's other rooms that it concerns, are notified.
    pub(in crate::chat) fn offer_moved(&mut self, moved: OfferMoved) -> Result<Answer, ChatError> {
        let OfferMoved { answer, made, changed, product, read } = moved;
        for offer in changed {
            self.offer_changed(offer);
        }
        let created = made.is_some();
        if let Some((offer, expires_at)) = made {
            let data = self.settings.json_of(&offer, self.now.wall);
            self.message_appended(offer, data);
            self.offer_expiry.await_next(expires_at, &mut self.out);
        }
        if let Some(change) = product {
            self.product_changed(change);
        }
        if let Some(mark) = read {
            self.member_has_read(mark);
        }
        let data = |message| self.settings.json_of(&message, self.now.wall);
        answer.map(|message| Answer { data: data(message), created }).map_err(ChatError::from)
    }

    /// Notifies a room's members that an offer stands differently, also those who are not in the room.
    pub(in crate::chat) fn offer_changed(&mut self, offer: StoredMessage) {
        let data = self.settings.json_of(&offer, self.now.wall);
        let room = offer.room_id.clone();
        self.message_changed(offer, data);
        self.announce(&Account::Server, vec![room]);
    }

    /// A product has changed: every room in memory shows it at once, and its wave begins.
    pub(in crate::chat) fn product_changed(&mut self, change: ProductChange) {
        if change.next.is_some() {
            // Rooms that are being read, and that the wave has not reached.
            self.loading.mark_product_stale(&change.product.id);
        }
        for room in self.rooms.rooms_of(&change.product.seller_id) {
            if let Some(live) = self.rooms.room_mut(&room) {
                live.product_changed(&change.product);
            }
        }
        self.wave_advanced(change);
    }

    /// Notifies the rooms that have heard of a product's change.
    pub(in crate::chat) fn product_reached(&mut self, change: ProductChange) {
        let ProductChange { product, rooms, notices, offers, .. } = change;
        for room in &rooms {
            if let Some(live) = self.rooms.room_mut(room) {
                live.product_changed(&product);
            }
            self.cluster.publish_room_changed(&mut self.out, room);
        }
        for offer in offers {
            self.offer_changed(offer);
        }
        for notice in &notices {
            self.metrics.messages.inc();
            let data = self.settings.json_of(notice, self.now.wall);
            self.deliveries().message_stored(notice, data);
        }
        for room in &rooms {
            self.loading.mark_stale(room, &mut self.cluster);
        }
        self.announce(&product.seller_id.into(), rooms);
    }

    /// A wave has reached some rooms: their members are notified, and it goes on to the next ones.
    pub(in crate::chat) fn wave_advanced(&mut self, change: ProductChange) {
        let (product, seller) = (change.product.id.clone(), change.product.seller_id.clone());
        let next = change.next;
        self.product_reached(change);
        if let Some(next) = next {
            self.await_wave(product, seller, next);
        }
    }

    /// The database has answered which waves are unfinished.
    pub(in crate::chat) fn waves_found(&mut self, found: Result<Vec<(ProductId, UserId)>, DbError>) {
        match found {
            Ok(found) => {
                for (product, seller) in found {
                    self.await_wave(product, seller, self.now.wall);
                }
            }
            Err(error) => log::warn!("unfinished changes of products could not be read: {error}"),
        }
    }

    fn await_wave(&mut self, product: ProductId, seller: UserId, due: Timestamp) {
        let step = self.waves.go_on_at(product, seller, due, self.now.wall, &mut self.out);
        self.append_next(step);
    }
}
