//! Which command is allowed when, and which may run beside others: all of it in two
//! tables.

use super::State;
use crate::command::{Command, FetchAttribute, Verb};

/// RFC 3501 section 6: the states a command is allowed in.
pub(super) const fn allowed(verb: Verb, state: State) -> bool {
    use State::{Authenticated, Logout, NotAuthenticated, Selected};
    match verb {
        Verb::Capability | Verb::Noop | Verb::Logout | Verb::Id | Verb::Unknown => {
            !matches!(state, Logout)
        }
        Verb::StartTls | Verb::Authenticate | Verb::Login => matches!(state, NotAuthenticated),
        Verb::Enable
        | Verb::Select
        | Verb::Examine
        | Verb::Create
        | Verb::Delete
        | Verb::Rename
        | Verb::Subscribe
        | Verb::Unsubscribe
        | Verb::List
        | Verb::Lsub
        | Verb::Status
        | Verb::Append
        | Verb::Idle
        | Verb::Namespace => matches!(state, Authenticated | Selected),
        Verb::Check
        | Verb::Close
        | Verb::Unselect
        | Verb::Expunge
        | Verb::UidExpunge
        | Verb::Search
        | Verb::UidSearch
        | Verb::Fetch
        | Verb::UidFetch
        | Verb::Store
        | Verb::UidStore
        | Verb::Copy
        | Verb::UidCopy
        | Verb::Move
        | Verb::UidMove => matches!(state, Selected),
    }
}

/// Whether a command may run while others of its kind do: it only reads, so no order
/// among them can be told from the answers (RFC 3501 section 5.5).
pub(super) fn is_shared(command: &Command<'_>) -> bool {
    match command {
        Command::Fetch(fetch) => !fetch.attributes.iter().any(FetchAttribute::sets_seen),
        Command::Capability
        | Command::Id(_)
        | Command::Noop
        | Command::Namespace
        | Command::Search(_)
        | Command::Status { .. }
        | Command::List { .. }
        | Command::Lsub { .. } => true,
        _ => false,
    }
}
