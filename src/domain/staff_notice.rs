//! What haggle says in a room about members of the staff who join it and leave it.

use serde::{Deserialize, Serialize};

use super::{Data, User, UserId};

/// A message that says that a member of the staff has joined a room, or has left it. Both members see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffNotice {
    /// From now on they read it as it goes on, and may say something.
    Joined,
    /// They don't any more.
    Left,
}

/// How the `data` of a [`StaffNotice`] begins, as a pattern of SQL's LIKE.
pub const STAFF_DATA: &str = "{\"code\":\"support%";

#[derive(Serialize, Deserialize)]
struct StaffNoticeData {
    code: String,
    params: StaffParams,
}

#[derive(Serialize, Deserialize)]
struct StaffParams {
    id: String,
    name: String,
}

impl StaffNotice {
    /// Its code in the message's `data`; the parameters are the `id` and the `name` of the member of the staff.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Joined => "support_joined",
            Self::Left => "support_left",
        }
    }

    /// What a client shows that does not know the code.
    #[must_use]
    pub fn text(self, staff: &User) -> String {
        match self {
            Self::Joined => format!("Support joined: {}", staff.name),
            Self::Left => format!("Support left: {}", staff.name),
        }
    }

    /// The message's `data`.
    #[must_use]
    pub fn data(self, staff: &User) -> Data {
        let params = StaffParams { id: staff.id.as_str().to_owned(), name: staff.name.clone() };
        Data::of(&StaffNoticeData { code: self.code().to_owned(), params })
    }
}

/// Whether this is the `data` of a [`StaffNotice`] about anyone.
#[must_use]
pub fn is_of_staff(data: &Data) -> bool {
    data.read::<StaffNoticeData>().is_some_and(|data| is_staff_code(&data.code))
}

/// Whether this is the `data` of a [`StaffNotice`] about this member of the staff.
#[must_use]
pub fn names_staff(data: &Data, staff: &UserId) -> bool {
    data.read::<StaffNoticeData>().is_some_and(|data| is_staff_code(&data.code) && data.params.id == staff.as_str())
}

fn is_staff_code(code: &str) -> bool {
    [StaffNotice::Joined, StaffNotice::Left].iter().any(|notice| notice.code() == code)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_notice_of_the_staff_names_them() {
        let mina = User::new(UserId::from_stored("mina"), "Mina \"M\"".to_owned(), None);
        for (notice, code, text) in [
            (StaffNotice::Joined, "support_joined", "Support joined: Mina \"M\""),
            (StaffNotice::Left, "support_left", "Support left: Mina \"M\""),
        ] {
            let data = notice.data(&mina);
            let json: Value = serde_json::from_str(data.json()).unwrap();
            assert_eq!(json, json!({"code": code, "params": {"id": "mina", "name": "Mina \"M\""}}));
            assert_eq!(notice.text(&mina), text);
            assert!(data.json().starts_with(STAFF_DATA.trim_end_matches('%')));
            assert!(names_staff(&data, &mina.id) && !names_staff(&data, &UserId::from_stored("sam")));
        }
        let warning = Data::from_json(r#"{"code":"warning","params":{"template":"scam"}}"#.to_owned()).unwrap();
        assert!(!is_of_staff(&warning) && is_of_staff(&StaffNotice::Left.data(&mina)));
    }

    #[test]
    fn korean_has_words_for_what_the_server_says_in_english() {
        let korean = include_str!("../../packages/components/src/languages/ko.js");
        for code in ["warning", StaffNotice::Joined.code(), StaffNotice::Left.code()] {
            assert_eq!(korean.matches(&format!("\n    {code}: (")).count(), 1, "{code}");
        }
    }
}
