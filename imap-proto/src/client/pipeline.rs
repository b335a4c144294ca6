//! Which commands may be under way together (RFC 3501 section 5.5), as data.
//!
//! Two rules:
//!
//! 1. A command with message numbers waits for every command during which the server
//!    may say EXPUNGE: that changes the numbers.
//! 2. A command that changes what another one reads waits for it, and the other way
//!    round.
//!
//! Commands that change the state of the connection are alone.

use crate::{
    command::{Command, FetchAttribute, SearchKey, Verb},
    types::{SeqNumber, SequenceSet},
};

/// Flags of messages.
const FLAGS: u8 = 1;
/// Which messages are in which mailbox.
const MESSAGES: u8 = 2;
/// Which mailboxes there are.
const NAMES: u8 = 4;

/// What a command does to others.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    /// It has message numbers in it.
    numbers: bool,
    /// The server may say EXPUNGE meanwhile.
    expunges: bool,
    /// Nothing else may be under way.
    pub(super) alone: bool,
    reads: u8,
    writes: u8,
    /// The messages of which it reads or writes flags: numbers or UIDs.
    of: Option<(SequenceSet, bool)>,
}

const NUMBERS: u8 = 1;
const EXPUNGES: u8 = 2;
const ALONE: u8 = 4;

/// Verb; what it is; what it reads; what it writes. A verb that is not here is alone.
const RULES: &[(Verb, u8, u8, u8)] = &[
    // The flags of FETCH and SEARCH are added by what they ask for.
    (Verb::Fetch, NUMBERS, 0, 0),
    (Verb::UidFetch, EXPUNGES, 0, 0),
    (Verb::Search, NUMBERS, MESSAGES, 0),
    (Verb::UidSearch, EXPUNGES, MESSAGES, 0),
    (Verb::Store, NUMBERS, FLAGS, FLAGS),
    (Verb::UidStore, EXPUNGES, FLAGS, FLAGS),
    // COPY takes flags along and EXPUNGE goes by them, but `STORE + COPY + EXPUNGE`
    // is the RFC's own example of what may be sent at once.
    (Verb::Copy, NUMBERS | EXPUNGES, NAMES, MESSAGES),
    (Verb::UidCopy, EXPUNGES, NAMES, MESSAGES),
    (Verb::Move, NUMBERS | EXPUNGES, NAMES, MESSAGES),
    (Verb::UidMove, EXPUNGES, NAMES, MESSAGES),
    (Verb::Expunge, EXPUNGES, 0, MESSAGES),
    (Verb::UidExpunge, EXPUNGES, 0, MESSAGES),
    (Verb::Append, EXPUNGES, NAMES, MESSAGES),
    (Verb::Status, EXPUNGES, NAMES | MESSAGES, 0),
    (Verb::List, EXPUNGES, NAMES, 0),
    (Verb::Lsub, EXPUNGES, NAMES, 0),
    (Verb::Create, EXPUNGES, NAMES, NAMES),
    (Verb::Delete, EXPUNGES, NAMES, NAMES),
    (Verb::Rename, EXPUNGES, NAMES, NAMES),
    (Verb::Subscribe, EXPUNGES, NAMES, NAMES),
    (Verb::Unsubscribe, EXPUNGES, NAMES, NAMES),
    (Verb::Noop, EXPUNGES, 0, 0),
    (Verb::Check, EXPUNGES, 0, 0),
    (Verb::Id, EXPUNGES, 0, 0),
    (Verb::Namespace, EXPUNGES, 0, 0),
    (Verb::Capability, EXPUNGES, 0, 0),
];

impl Effects {
    pub(super) fn of(command: &Command<'_>) -> Effects {
        let verb = command.verb();
        let rule = RULES.iter().find(|(v, ..)| *v == verb);
        let (kind, reads, writes) = rule.map_or((ALONE, 0, 0), |(_, k, r, w)| (*k, *r, *w));
        let mut effects = Effects {
            numbers: kind & NUMBERS != 0,
            expunges: kind & EXPUNGES != 0,
            alone: kind & ALONE != 0,
            reads,
            writes,
            of: None,
        };
        match command {
            Command::Fetch(fetch) => {
                if fetch.attributes.contains(&FetchAttribute::Flags) {
                    effects.reads |= FLAGS;
                }
                if fetch.attributes.iter().any(FetchAttribute::sets_seen) {
                    // The server then tells the flags as well.
                    effects.reads |= FLAGS;
                    effects.writes |= FLAGS;
                }
                if effects.reads & FLAGS != 0 {
                    effects.of = Some((fetch.set.clone(), fetch.uid));
                }
            }
            Command::Store(store) => effects.of = Some((store.set.clone(), store.uid)),
            Command::Search(search) => {
                effects.numbers |= any(&search.keys, &|k| matches!(k, SearchKey::Sequence(_)));
                if any(&search.keys, &is_about_flags) {
                    effects.reads |= FLAGS;
                }
            }
            _ => {}
        }
        effects
    }

    /// Whether `next` may be sent while this is under way.
    pub(super) fn allow(&self, next: &Effects) -> bool {
        if self.alone || next.alone || (self.expunges && next.numbers) {
            return false;
        }
        let mut clash = self.writes & next.reads | self.reads & next.writes;
        if let (Some((a, uid_a)), Some((b, uid_b))) = (&self.of, &next.of)
            && uid_a == uid_b
            && are_disjoint(a, b)
        {
            clash &= !FLAGS;
        }
        clash == 0
    }
}

fn any(keys: &[SearchKey<'_>], is: &dyn Fn(&SearchKey<'_>) -> bool) -> bool {
    keys.iter().any(|key| match key {
        SearchKey::And(keys) => any(keys, is),
        SearchKey::Not(key) => any(core::slice::from_ref(key), is),
        SearchKey::Or(a, b) => {
            any(core::slice::from_ref(a), is) || any(core::slice::from_ref(b), is)
        }
        key => is(key),
    })
}

fn is_about_flags(key: &SearchKey<'_>) -> bool {
    use SearchKey::{
        Answered, Deleted, Draft, Flagged, Keyword, New, Old, Recent, Seen, Unanswered, Undeleted,
        Undraft, Unflagged, Unkeyword, Unseen,
    };
    matches!(
        key,
        Answered
            | Deleted
            | Draft
            | Flagged
            | Keyword(_)
            | New
            | Old
            | Recent
            | Seen
            | Unanswered
            | Undeleted
            | Undraft
            | Unflagged
            | Unkeyword(_)
            | Unseen
    )
}

/// Whether no message is in both; `*` may be any.
fn are_disjoint(a: &SequenceSet, b: &SequenceSet) -> bool {
    let has_star = |set: &SequenceSet| {
        (set.ranges().iter()).any(|r| r.first == SeqNumber::Largest || r.last == SeqNumber::Largest)
    };
    if has_star(a) || has_star(b) {
        return false;
    }
    let (a, b) = (a.resolve(u32::MAX), b.resolve(u32::MAX));
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        if x.end() < y.start() {
            a.next();
        } else if y.end() < x.start() {
            b.next();
        } else {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(line: &str) -> Effects {
        let frame = alloc::format!("a {line}\r\n");
        Effects::of(&Command::parse(frame.as_bytes()).unwrap().1)
    }

    /// Whether all of these may be under way at once.
    fn together(lines: &[&str]) -> bool {
        let all: alloc::vec::Vec<Effects> = lines.iter().map(|l| effects(l)).collect();
        (all.iter().enumerate()).all(|(i, next)| all.iter().take(i).all(|a| a.allow(next)))
    }

    #[test]
    fn the_examples_of_rfc_3501_5_5() {
        for valid in [
            &[
                "FETCH 1 BODY.PEEK[]",
                "STORE 1 FLAGS ()",
                "SEARCH FROM x",
                "CHECK",
            ][..],
            &["STORE 1 FLAGS ()", "COPY 1 x", "EXPUNGE"],
            &["UID SEARCH FROM x", "UID SEARCH FROM y"],
        ] {
            assert!(together(valid), "{valid:?}");
        }
        for invalid in [
            &["FETCH 1 UID", "NOOP", "STORE 1 FLAGS ()"][..],
            &["STORE 1 FLAGS ()", "COPY 1 x", "FETCH 1 UID"],
            &["COPY 1 x", "COPY 2 x"],
            &["CHECK", "FETCH 1 UID"],
            &["UID FETCH 1 UID", "FETCH 1 UID"],
            &["UID SEARCH FROM x", "UID SEARCH NOT OR 1 SEEN"],
        ] {
            assert!(!together(invalid), "{invalid:?}");
        }
    }

    #[test]
    fn a_command_does_not_change_what_another_reads() {
        assert!(!together(&["FETCH 1:5 FLAGS", "STORE 5 FLAGS ()"]));
        assert!(!together(&["UID FETCH 1:5 BODY[]", "UID FETCH 2 FLAGS"]));
        assert!(!together(&["STORE * FLAGS ()", "STORE 5 FLAGS ()"]));
        assert!(!together(&["STORE 9 FLAGS ()", "SEARCH NOT SEEN"]));
        assert!(together(&["FETCH 1:5,9 FLAGS", "STORE 6:8,10 FLAGS ()"]));
        assert!(together(&[
            "UID FETCH 1:5 BODY.PEEK[]",
            "UID FETCH 2 FLAGS"
        ]));
        assert!(!together(&["APPEND x {1}", "STATUS x (MESSAGES)"]));
        assert!(together(&["APPEND x {1}", "APPEND x {1}"]));
        assert!(!together(&["RENAME a b", "CREATE a"]));
        assert!(together(&[
            "LIST \"\" *",
            "LSUB \"\" *",
            "STATUS x (MESSAGES)"
        ]));
        for alone in [
            "SELECT x",
            "LOGIN a b",
            "IDLE",
            "CLOSE",
            "LOGOUT",
            "ENABLE X",
            "STARTTLS",
        ] {
            assert!(
                !together(&[alone, "NOOP"]) && !together(&["NOOP", alone]),
                "{alone}"
            );
        }
    }
}
