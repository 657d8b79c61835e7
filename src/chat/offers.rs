//! Offers: what a commit did to them is sent to every room of the product, and those that nobody answers end in time.

use std::time::Duration;

use super::{
    Chat,
    batch::PendingWrite,
    request::{Answer, ReplyTo},
    timer::Timer,
};
use crate::{
    db::{OfferMoved, ProductChange, Write},
    domain::{Account, StoredMessage, Timestamp},
    error::ChatError,
};

/// How often the sweep looks by itself: after a failure of the database, which it would otherwise not come back from.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

impl Chat {
    /// Ends what expired since the server last ran, and learns when the next offer expires.
    pub(super) fn start_sweeping(&mut self) {
        self.sweep_offers();
        self.out.after(SWEEP_INTERVAL, Timer::SweepOffers);
    }

    /// Looks again, where no end of an offer is awaited.
    pub(super) fn sweep_again(&mut self) {
        self.out.after(SWEEP_INTERVAL, Timer::SweepOffers);
        if self.next_expiry.is_none_or(|next| next <= self.now.wall) {
            self.sweep_offers();
        }
    }

    fn sweep_offers(&mut self) {
        let write = Write::ExpireOffers { at: self.now.wall };
        self.append(PendingWrite { write, room: None, reply: ReplyTo::Nobody });
    }

    /// Remembers when the next offer expires.
    pub(super) fn await_expiry(&mut self, at: Timestamp) {
        if self.next_expiry.is_some_and(|next| next <= at) {
            return;
        }
        self.next_expiry = Some(at);
        self.out.at(at, Timer::OffersExpire(at));
    }

    /// The time of an offer has come.
    pub(super) fn offers_expire(&mut self, at: Timestamp) {
        if self.next_expiry == Some(at) {
            self.next_expiry = None;
            self.sweep_offers();
        }
    }

    /// Tells what an offer or an answer to one has changed.
    pub(super) fn offer_moved(&mut self, moved: OfferMoved) -> Result<Answer, ChatError> {
        let OfferMoved { answer, made, changed, product, read } = moved;
        for offer in changed {
            self.offer_changed(offer);
        }
        let created = made.is_some();
        if let Some((offer, expires_at)) = made {
            let data = self.settings.json_of(&offer, self.now.wall);
            self.message_appended(offer, data);
            self.await_expiry(expires_at);
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

    /// Tells a room's members that an offer stands differently, also those who are not in the room.
    pub(super) fn offer_changed(&mut self, offer: StoredMessage) {
        let data = self.settings.json_of(&offer, self.now.wall);
        let room = offer.room_id.clone();
        self.message_changed(offer, data);
        self.announce(&Account::Server, vec![room]);
    }

    /// A product has changed: every room in memory shows it at once, and its wave begins.
    pub(super) fn product_changed(&mut self, change: ProductChange) {
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
    pub(super) fn product_reached(&mut self, change: ProductChange) {
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
            self.message_stored(notice, self.settings.json_of(notice, self.now.wall));
        }
        for room in &rooms {
            self.loading.mark_stale(room, &mut self.cluster);
        }
        self.announce(&product.seller_id.into(), rooms);
    }
}
