//! The selected mailbox as one session sees it.
//!
//! A message's number is its place among those that the client knows of, so what
//! others do becomes true here only when the client is told: new messages at the
//! next update, an expunge when it is allowed (RFC 3501 7.4.1). No I/O.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
};

use scop_imap_proto::types::SequenceSet;

use crate::store::{Changes, Flags, MailboxId, Message, Opened, UidSet};

/// What the client is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Update {
    /// The message of this number is gone.
    Expunge(u32),
    /// So many messages.
    Exists(u32),
    /// So many of them recent.
    Recent(u32),
    /// Somebody else changed this message's flags.
    Flags { number: u32, uid: u32, flags: Flags },
}

/// See the module.
#[derive(Debug)]
pub(super) struct View {
    pub(super) mailbox: MailboxId,
    pub(super) read_only: bool,
    /// Those the client knows of, ascending.
    uids: Vec<u32>,
    /// Those of them that are gone, which the client does not know yet.
    gone: BTreeSet<u32>,
    uid_next: u32,
    modseq: u64,
    /// UIDs that are \Recent in this session.
    recent: Vec<RangeInclusive<u32>>,
    /// Flags the client knows by its own STORE: the message's modseq then.
    told: HashMap<u32, u64>,
}

/// A message number that no message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoSuchNumber;

impl View {
    pub(super) fn new(opened: Opened, read_only: bool) -> Self {
        let mut view = View {
            mailbox: opened.id,
            read_only,
            uids: opened.uids,
            gone: BTreeSet::new(),
            uid_next: opened.uid_next,
            modseq: opened.modseq,
            recent: Vec::new(),
            told: HashMap::new(),
        };
        view.add_recent(opened.recent_from, opened.uid_next);
        view
    }

    /// How many messages the client knows of.
    pub(super) fn exists(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// How many of them are recent.
    pub(super) fn recent(&self) -> u32 {
        let of = |range: &RangeInclusive<u32>| {
            let from = self.uids.partition_point(|uid| uid < range.start());
            let to = self.uids.partition_point(|uid| uid <= range.end());
            u32::try_from(to - from).unwrap_or(u32::MAX)
        };
        self.recent.iter().map(of).sum()
    }

    pub(super) fn is_recent(&self, uid: u32) -> bool {
        self.recent.iter().any(|range| range.contains(&uid))
    }

    /// An expunge waits that may be told now.
    pub(super) fn is_behind(&self, may_expunge: bool) -> bool {
        may_expunge && !self.gone.is_empty()
    }

    /// What to ask [`Store::changes`](crate::store::Store::changes) for.
    pub(super) fn modseq(&self) -> u64 {
        self.modseq
    }

    /// The number of a message, if the client knows of it.
    pub(super) fn number(&self, uid: u32) -> Option<u32> {
        let at = self.uids.binary_search(&uid).ok()?;
        u32::try_from(at + 1).ok()
    }

    /// The UID that `*` means; 0 if there is none.
    pub(super) fn largest_uid(&self) -> u32 {
        self.uids.last().copied().unwrap_or_default()
    }

    /// All that the client knows of.
    pub(super) fn all(&self) -> UidSet {
        match (self.uids.first(), self.uids.last()) {
            (Some(first), Some(last)) => vec![*first..=*last],
            _ => Vec::new(),
        }
    }

    /// The UIDs that a client's set means: of UIDs, or of numbers, all of which
    /// must exist.
    pub(super) fn resolve(&self, set: &SequenceSet, uid: bool) -> Result<UidSet, NoSuchNumber> {
        if uid {
            return Ok(set.clipped(self.largest_uid()));
        }
        let exists = self.exists();
        let numbers = set.resolve(exists);
        // An empty mailbox has no numbers, but `1:*` means all there are.
        if numbers
            .iter()
            .any(|r| *r.end() > exists && (exists > 0 || *r.start() > 1))
        {
            return Err(NoSuchNumber);
        }
        let uid = |number: u32| self.uids.get(number as usize - 1).copied();
        let range = |r: &RangeInclusive<u32>| Some(uid(*r.start())?..=uid(*r.end())?);
        Ok(numbers.iter().filter_map(range).collect())
    }

    /// The client was told these flags just now, or asked not to be.
    pub(super) fn tell(&mut self, message: &Message) {
        self.told.insert(message.uid, message.modseq);
    }

    /// What happened since the last time, as far as it may be told now.
    pub(super) fn apply(&mut self, changes: Changes, may_expunge: bool) -> Vec<Update> {
        let mut updates = Vec::new();
        let known = |uids: &[u32], uid: &u32| uids.binary_search(uid).is_ok();
        let vanished = changes.vanished.iter().filter(|uid| known(&self.uids, uid));
        self.gone.extend(vanished);
        if may_expunge {
            // From the end, so that no number changes that is still to be said.
            while let Some(uid) = self.gone.pop_last() {
                if let Ok(at) = self.uids.binary_search(&uid) {
                    self.uids.remove(at);
                    updates.push(Update::Expunge(u32::try_from(at + 1).unwrap_or(u32::MAX)));
                }
            }
        }
        let before = self.uids.len();
        let new = changes.messages.iter().map(|m| m.uid);
        self.uids.extend(new.filter(|uid| *uid >= self.uid_next));
        self.add_recent(changes.recent_from, changes.uid_next);
        if self.uids.len() > before {
            updates.push(Update::Exists(self.exists()));
            updates.push(Update::Recent(self.recent()));
        }
        for message in changes.messages {
            let told = self.told.get(&message.uid) == Some(&message.modseq);
            if message.uid < self.uid_next
                && !told
                && let Some(number) = self.number(message.uid)
            {
                updates.push(Update::Flags {
                    number,
                    uid: message.uid,
                    flags: message.flags,
                });
            }
        }
        self.told.clear();
        self.uid_next = changes.uid_next;
        self.modseq = changes.modseq;
        updates
    }

    fn add_recent(&mut self, from: u32, next: u32) {
        if from >= next {
            return;
        }
        match self.recent.last_mut() {
            Some(last) if from <= last.end().saturating_add(1) => {
                *last = *last.start().min(&from)..=(next - 1).max(*last.end());
            }
            _ => self.recent.push(from..=next - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Received, StoreError};

    fn view(uids: &[u32]) -> View {
        let next = uids.last().map_or(1, |last| last + 1);
        View {
            mailbox: MailboxId::default(),
            read_only: false,
            uids: uids.to_vec(),
            gone: BTreeSet::new(),
            uid_next: next,
            modseq: 1,
            recent: Vec::new(),
            told: HashMap::new(),
        }
    }

    fn message(uid: u32, flag: &str, modseq: u64) -> Message {
        let mut flags = Flags::new();
        let _: Result<(), StoreError> = flags.insert(flag);
        Message {
            uid,
            flags,
            received: Received {
                seconds: 0,
                zone: 0,
            },
            size: 0,
            modseq,
        }
    }

    fn changes(uid_next: u32, modseq: u64, messages: Vec<Message>, vanished: &[u32]) -> Changes {
        Changes {
            uid_next,
            modseq,
            messages,
            vanished: vanished.to_vec(),
            recent_from: uid_next,
        }
    }

    fn set(text: &str) -> SequenceSet {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_and_uids_of_a_set() {
        let v = view(&[3, 5, 9]);
        assert_eq!(v.resolve(&set("1,3"), false), Ok(vec![3..=3, 9..=9]));
        assert_eq!(v.resolve(&set("*:2"), false), Ok(vec![5..=9]));
        assert_eq!(v.resolve(&set("2:4"), false), Err(NoSuchNumber));
        assert_eq!(v.resolve(&set("4"), false), Err(NoSuchNumber));
        assert_eq!(v.resolve(&set("4:*"), true), Ok(vec![4..=9]));
        assert_eq!(v.resolve(&set("100:*"), true), Ok(vec![9..=9]));
        assert_eq!(v.resolve(&set("100"), true), Ok(vec![]));
        let empty = view(&[]);
        assert_eq!(empty.resolve(&set("1:*"), false), Ok(vec![]));
        assert_eq!(empty.resolve(&set("1:*"), true), Ok(vec![]));
        assert_eq!(empty.resolve(&set("*"), false), Ok(vec![]));
        assert_eq!(empty.resolve(&set("2"), false), Err(NoSuchNumber));
    }

    #[test]
    fn an_expunge_waits_until_it_may_be_told_and_numbers_stay_till_then() {
        let mut v = view(&[3, 5, 9]);
        assert_eq!(v.apply(changes(10, 2, vec![], &[3, 9, 77]), false), []);
        assert_eq!((v.exists(), v.number(9)), (3, Some(3)));
        let new = vec![message(10, "\\Seen", 3)];
        assert_eq!(
            v.apply(changes(11, 3, new, &[]), false),
            [Update::Exists(4), Update::Recent(0)]
        );
        let told = v.apply(changes(11, 3, vec![], &[]), true);
        assert_eq!(told, [Update::Expunge(3), Update::Expunge(1)]);
        assert_eq!(
            (v.number(5), v.number(10), v.exists()),
            (Some(1), Some(2), 2)
        );
    }

    #[test]
    fn a_message_that_came_and_went_unseen_is_never_told() {
        let mut v = view(&[1]);
        assert_eq!(v.apply(changes(3, 3, vec![], &[2]), true), []);
        assert_eq!(v.apply(changes(3, 3, vec![], &[2]), true), []);
    }

    #[test]
    fn own_changes_are_told_once_and_those_of_others_too() {
        let mut v = view(&[1, 2]);
        let mine = message(1, "\\Seen", 5);
        v.tell(&mine);
        let theirs = message(2, "\\Flagged", 6);
        let told = v.apply(changes(3, 6, vec![mine, theirs.clone()], &[]), false);
        let flags = Update::Flags {
            number: 2,
            uid: 2,
            flags: theirs.flags,
        };
        assert_eq!(told, [flags]);
        // Somebody changed it again after me.
        v.tell(&message(1, "\\Seen", 7));
        let told = v.apply(changes(3, 8, vec![message(1, "\\Draft", 8)], &[]), false);
        assert!(matches!(told[..], [Update::Flags { number: 1, .. }]));
    }

    #[test]
    fn recent_adds_up() {
        let mut v = view(&[1, 2, 3]);
        v.add_recent(2, 4);
        assert_eq!(
            (v.recent(), v.is_recent(1), v.is_recent(3)),
            (2, false, true)
        );
        let mut new = changes(6, 9, vec![message(4, "x", 9), message(5, "x", 9)], &[]);
        new.recent_from = 5;
        let told = v.apply(new, true);
        assert_eq!(told, [Update::Exists(5), Update::Recent(3)]);
        assert!(!v.is_recent(4) && v.is_recent(5));
    }
}
