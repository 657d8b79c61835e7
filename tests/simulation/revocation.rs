//! Sessions that the marketplace ends: whatever is lost on the way, none of them is left at rest.

use haggle::internals::{
    db::{Outcomes, Write, Written},
    domain::{SanctionKind, SessionId},
};

use crate::{client::Checked, world::World};

impl World {
    /// A user's sessions of which their nodes have heard.
    fn known_sessions(&self, name: &str) -> Vec<SessionId> {
        let sessions = self.clients.iter().filter(|client| client.user == name);
        let known = sessions.filter_map(|client| client.session.as_ref()).filter(|session| session.is_known);
        known.map(|session| session.id).collect()
    }

    /// A node ends a user's sessions, and is yet to write that down for the others.
    pub fn sessions_end(&mut self, place: usize, name: &str) {
        let sessions = self.known_sessions(name);
        self.ending.insert(name.to_owned(), (place, sessions));
    }

    /// A batch of a node's is stored, or is not.
    pub fn note_ended(&mut self, writes: &[Write], outcomes: Option<&Outcomes>) {
        for (at, write) in writes.iter().enumerate() {
            if let Write::NoteSessionsEnded { user } = write
                && let Some((_, sessions)) = self.ending.remove(user.as_str())
                && outcomes.is_some()
            {
                self.count("sessions ended");
                self.ended.extend(sessions);
            }
            if let Some(Ok(Written::SanctionSet(set))) = outcomes.and_then(|outcomes| outcomes.get(at))
                && set.kind == SanctionKind::Ban
                && set.until.is_some()
            {
                self.ended.extend(self.known_sessions(set.sanction.user.id.as_str()));
            }
        }
    }

    /// A node is gone, with what it had begun.
    pub fn forget_ending(&mut self, place: usize) {
        self.ending.retain(|_, (at, _)| *at != place);
    }

    /// None of the sessions that were ended is left.
    pub fn check_ended(&self) -> Checked {
        let sessions = self.clients.iter().filter_map(|client| Some((client.user, client.session.as_ref()?.id)));
        match sessions.into_iter().find(|(_, session)| self.ended.contains(session)) {
            Some((name, session)) => Err(format!("{name}: {session} was ended, and lives on")),
            None => Ok(()),
        }
    }
}
