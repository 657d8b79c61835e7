//! Who may call which route: the one table, which every request's caller is compared with.

use actix_web::http::Method;

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing: anyone may call it.
    Nothing,
    /// A user's token, also one of a member of the staff.
    User,
    /// A user's token, or the service key.
    UserOrService,
    /// The service key.
    Service,
    /// A token of the staff, or the service key. Every call is in the audit log.
    Staff,
    /// A token of the staff: a person acts, under their own name. Every call is in the audit log.
    StaffToken,
    /// A token of the staff, or the service key. It says nothing about anybody, so no call is in the audit log.
    Operator,
    /// A user's token for what is their own; or a token of the staff, or the service key, whose calls are in the audit log.
    UserOrStaff,
}

impl Needs {
    /// Whether the service key opens it.
    #[must_use]
    pub const fn takes_service(self) -> bool {
        matches!(self, Self::UserOrService | Self::Service | Self::Staff | Self::Operator | Self::UserOrStaff)
    }

    /// Whether what staff and the service key do there is in the audit log.
    #[must_use]
    pub const fn is_audited(self) -> bool {
        matches!(self, Self::Staff | Self::StaffToken | Self::UserOrStaff)
    }
}

/// One route: its method, its path as it is registered, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// As it is sent; HEAD counts as GET.
    pub method: &'static str,
    /// With its parameters in braces.
    pub path: &'static str,
    pub needs: Needs,
}

const fn rule(method: &'static str, path: &'static str, needs: Needs) -> Rule {
    Rule { method, path, needs }
}

/// Every route that OpenAPI documents, and the plain wire.
pub const RULES: &[Rule] = &[
    rule("GET", "/healthz", Needs::Nothing),
    rule("GET", "/readyz", Needs::Nothing),
    rule("GET", "/metrics", Needs::Nothing),
    rule("GET", "/api/docs", Needs::Nothing),
    rule("GET", "/api/docs/{file}", Needs::Nothing),
    rule("GET", "/embed/{file}", Needs::Nothing),
    rule("GET", "/api/v1/openapi.json", Needs::Nothing),
    rule("GET", "/api/v1/features", Needs::Nothing),
    rule("GET", "/api/v1/currencies", Needs::Nothing),
    rule("GET", "/api/v1/origin", Needs::Nothing),
    rule("GET", "/api/v1/images/{key}", Needs::Nothing),
    rule("GET", "/ws/chat", Needs::User),
    rule("GET", "/api/v1/me", Needs::User),
    rule("GET", "/api/v1/me/unread", Needs::User),
    rule("GET", "/api/v1/me/settings", Needs::User),
    rule("PATCH", "/api/v1/me/settings", Needs::User),
    rule("GET", "/api/v1/me/push-subscriptions", Needs::User),
    rule("POST", "/api/v1/me/push-subscriptions", Needs::User),
    rule("DELETE", "/api/v1/me/push-subscriptions/{id}", Needs::User),
    rule("GET", "/api/v1/rooms", Needs::User),
    rule("POST", "/api/v1/rooms", Needs::UserOrService),
    rule("GET", "/api/v1/rooms/{id}", Needs::UserOrStaff),
    rule("PUT", "/api/v1/rooms/{id}/read", Needs::User),
    rule("PUT", "/api/v1/rooms/{id}/delivered", Needs::User),
    rule("PATCH", "/api/v1/rooms/{id}/settings", Needs::User),
    rule("POST", "/api/v1/rooms/{id}/token", Needs::User),
    rule("PUT", "/api/v1/rooms/{id}/freeze", Needs::Staff),
    rule("DELETE", "/api/v1/rooms/{id}/freeze", Needs::Staff),
    rule("POST", "/api/v1/rooms/{id}/warnings", Needs::Staff),
    rule("POST", "/api/v1/rooms/{id}/join", Needs::StaffToken),
    rule("POST", "/api/v1/rooms/{id}/leave", Needs::Staff),
    rule("DELETE", "/api/v1/rooms/{id}/waiting", Needs::Staff),
    rule("GET", "/api/v1/rooms/{id}/messages", Needs::UserOrStaff),
    rule("POST", "/api/v1/rooms/{id}/messages", Needs::UserOrService),
    rule("PATCH", "/api/v1/rooms/{id}/messages/{messageId}", Needs::User),
    rule("DELETE", "/api/v1/rooms/{id}/messages/{messageId}", Needs::UserOrStaff),
    rule("PUT", "/api/v1/rooms/{id}/messages/{messageId}/reaction", Needs::User),
    rule("DELETE", "/api/v1/rooms/{id}/messages/{messageId}/reaction", Needs::User),
    rule("POST", "/api/v1/rooms/{id}/offers", Needs::User),
    rule("POST", "/api/v1/rooms/{id}/offers/{messageId}/answer", Needs::User),
    rule("POST", "/api/v1/rooms/{id}/images", Needs::User),
    rule("GET", "/api/v1/search", Needs::User),
    rule("GET", "/api/v1/search/all", Needs::Staff),
    rule("GET", "/api/v1/blocks", Needs::User),
    rule("PUT", "/api/v1/blocks/{userId}", Needs::User),
    rule("DELETE", "/api/v1/blocks/{userId}", Needs::User),
    rule("POST", "/api/v1/reports", Needs::User),
    rule("GET", "/api/v1/reports", Needs::Staff),
    rule("GET", "/api/v1/reports/{id}", Needs::Staff),
    rule("PATCH", "/api/v1/reports/{id}", Needs::Staff),
    rule("GET", "/api/v1/reports/{id}/notes", Needs::Staff),
    rule("POST", "/api/v1/reports/{id}/notes", Needs::Staff),
    rule("PUT", "/api/v1/products/{id}", Needs::Service),
    rule("GET", "/api/v1/products/{id}", Needs::Staff),
    rule("PATCH", "/api/v1/products/{id}", Needs::UserOrService),
    rule("GET", "/api/v1/products/{id}/rooms", Needs::Staff),
    rule("PUT", "/api/v1/products/{id}/unlisted", Needs::Staff),
    rule("DELETE", "/api/v1/products/{id}/unlisted", Needs::Staff),
    rule("GET", "/api/v1/users", Needs::Staff),
    rule("GET", "/api/v1/users/{id}", Needs::Staff),
    rule("PUT", "/api/v1/users/{id}", Needs::Service),
    rule("DELETE", "/api/v1/users/{id}", Needs::Staff),
    rule("GET", "/api/v1/users/{id}/rooms", Needs::Staff),
    rule("GET", "/api/v1/users/{id}/export", Needs::Staff),
    rule("POST", "/api/v1/users/{id}/disconnect", Needs::Staff),
    rule("PUT", "/api/v1/users/{id}/mute", Needs::Staff),
    rule("DELETE", "/api/v1/users/{id}/mute", Needs::Staff),
    rule("PUT", "/api/v1/users/{id}/ban", Needs::Staff),
    rule("DELETE", "/api/v1/users/{id}/ban", Needs::Staff),
    rule("GET", "/api/v1/users/{id}/notes", Needs::Staff),
    rule("POST", "/api/v1/users/{id}/notes", Needs::Staff),
    rule("GET", "/api/v1/mutes", Needs::Staff),
    rule("GET", "/api/v1/bans", Needs::Staff),
    rule("GET", "/api/v1/staff/rooms", Needs::Staff),
    rule("GET", "/api/v1/audit", Needs::Staff),
    rule("GET", "/api/v1/events", Needs::Service),
    rule("GET", "/api/v1/operations", Needs::Operator),
];

/// What the route of a request needs, by its method and the path that it was registered with; `None` where the table leaves
/// it out.
#[must_use]
pub fn needs_of(method: &Method, path: &str) -> Option<Needs> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    RULES.iter().find(|rule| rule.method == method && rule.path == path).map(|rule| rule.needs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::OpenApi;

    use super::*;
    use crate::http::openapi::definition::Api;

    /// What OpenAPI says of each route: its method, its path, and whether it takes a user's token and the service key.
    fn documented() -> BTreeSet<(String, String, bool, bool)> {
        let document = serde_json::to_value(Api::openapi()).unwrap();
        let mut routes = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap().iter().filter(|(method, _)| *method != "head") {
                let takes = |scheme: &str| {
                    let schemes = operation["security"].as_array().into_iter().flatten();
                    schemes.filter_map(|scheme| scheme.as_object()).any(|taken| taken.contains_key(scheme))
                };
                let users = takes("userToken") || takes("staffToken");
                routes.insert((method.to_uppercase(), path.clone(), users, takes("serviceKey")));
            }
        }
        routes
    }

    #[test]
    fn the_table_has_every_documented_route_and_says_what_the_document_says() {
        let table: BTreeSet<_> = RULES
            .iter()
            .filter(|rule| rule.path != "/ws/chat")
            .map(|rule| {
                let users = !matches!(rule.needs, Needs::Nothing | Needs::Service);
                (rule.method.to_owned(), rule.path.to_owned(), users, rule.needs.takes_service())
            })
            .collect();
        let documented = documented();
        assert_eq!(table.difference(&documented).collect::<Vec<_>>(), Vec::<&(String, String, bool, bool)>::new());
        assert_eq!(documented.difference(&table).collect::<Vec<_>>(), Vec::<&(String, String, bool, bool)>::new());
        assert_eq!(RULES.len(), table.len() + 1, "a route is in the table twice");
    }
}
