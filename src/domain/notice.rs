//! haggle's own texts: messages in a room, and names. Each has a code and parameters, from which a client makes words in its
//! user's language, and English words for clients that don't.

use serde::{Deserialize, Serialize};

use super::{Data, ProductStatus, UserId};
use crate::api_docs::ToSchema;

/// A message that haggle itself writes into a room, from the sender `system`.
///
/// Its `data` is `{code, params, about}`, and repeats the parameters next to them under the names from before there was a
/// code. `about` is the member whom it is about, for whom it never counts as unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The room's product has another status.
    ProductStatus(ProductStatus),
}

#[derive(Serialize)]
struct NoticeData<'a, P> {
    code: &'static str,
    params: P,
    about: &'a UserId,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    flat: P,
}

#[derive(Clone, Copy, Serialize)]
struct StatusParams {
    status: ProductStatus,
}

impl Notice {
    /// Its name; adding one adds a line here, in docs/protocol.md, and in each language of the page.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ProductStatus(_) => "product_status",
        }
    }

    /// What a client shows that does not know the code.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ProductStatus(ProductStatus::OnSale) => "This product is on sale again",
            Self::ProductStatus(ProductStatus::Reserved) => "This product is now reserved",
            Self::ProductStatus(ProductStatus::Sold) => "This product is now sold",
        }
    }

    /// The message's `data`, where it is about this member.
    #[must_use]
    pub fn data(self, about: &UserId) -> Data {
        let Self::ProductStatus(status) = self;
        let params = StatusParams { status };
        Data::of(&NoticeData { code: self.code(), params, about, kind: self.code(), flat: params })
    }
}

/// What staff warns a member of, in a message that both members of the room see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningTemplate {
    /// Somebody may want money or data for nothing.
    Scam,
    /// Somebody wants to be paid outside of the marketplace.
    OutsidePayment,
    /// Somebody is rude.
    Harassment,
    /// Something must not be sold here.
    ProhibitedItem,
}

impl WarningTemplate {
    /// Its code in the message's `data`; the template is its parameter.
    pub const CODE: &str = "warning";

    /// What a client shows that does not know the code.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Scam => {
                "A notice from the marketplace: be careful. Never share passwords or codes, and never pay in advance"
            }
            Self::OutsidePayment => {
                "A notice from the marketplace: pay only here. Payments elsewhere are not protected"
            }
            Self::Harassment => {
                "A notice from the marketplace: please stay polite. Accounts that insult or threaten are closed"
            }
            Self::ProhibitedItem => "A notice from the marketplace: this item must not be offered here",
        }
    }

    /// The message's `data`.
    #[must_use]
    pub fn data(self) -> Data {
        #[derive(Serialize)]
        struct WarningData {
            code: &'static str,
            params: WarningParams,
        }
        #[derive(Serialize)]
        struct WarningParams {
            template: WarningTemplate,
        }
        Data::of(&WarningData { code: Self::CODE, params: WarningParams { template: self } })
    }
}

/// Why a name is haggle's own and not the user's. It has no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameCode {
    /// The user was deleted.
    DeletedUser,
    /// The marketplace itself, as the other side of a support room.
    Support,
}

impl NameCode {
    /// What a client shows that does not know the code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeletedUser => "Deleted user",
            Self::Support => "Support",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_notice_has_a_code_parameters_and_english_words() {
        for (status, name) in
            [(ProductStatus::OnSale, "on_sale"), (ProductStatus::Reserved, "reserved"), (ProductStatus::Sold, "sold")]
        {
            let notice = Notice::ProductStatus(status);
            let data: Value = serde_json::from_str(notice.data(&UserId::from_stored("sam")).json()).unwrap();
            assert_eq!(data["about"], "sam");
            assert_eq!((&data["code"], &data["params"]), (&json!("product_status"), &json!({"status": name})));
            assert_eq!((&data["type"], &data["status"]), (&json!("product_status"), &json!(name)));
            assert!(notice.text().starts_with("This product is"));
        }
    }

    #[test]
    fn every_complete_language_of_the_components_has_words_for_every_code() {
        let names = [NameCode::DeletedUser, NameCode::Support].map(|name| json!(name).as_str().unwrap().to_owned());
        let codes = names.iter().map(String::as_str).chain([Notice::ProductStatus(ProductStatus::Sold).code()]);
        for strings in [
            include_str!("../../packages/components/src/languages/en.js"),
            include_str!("../../packages/components/src/languages/ko.js"),
        ] {
            for code in codes.clone() {
                let key = format!("{code}:");
                assert_eq!(strings.lines().filter(|line| line.trim_start().starts_with(&key)).count(), 1, "{code}");
            }
        }
    }
}
