//! SEARCH: what is cheap is looked at first, a message's bytes only when the rest
//! leaves it open.

use scop_imap_proto::{
    command::SearchKey,
    types::{Date, DateTime},
};

use super::{find::lower, texts::Texts, view::View};
use crate::store::{Flags, Message};

/// A message, and how it is numbered in this session.
pub(super) struct Candidate<'a> {
    pub(super) message: &'a Message,
    pub(super) number: u32,
    pub(super) view: &'a View,
}

/// Whether all of `keys` hold; `None` if that cannot be told without more of the
/// texts.
pub(super) fn all(
    keys: &[SearchKey<'_>],
    of: &Candidate<'_>,
    texts: Option<&Texts>,
) -> Option<bool> {
    let mut open = false;
    for key in keys {
        match holds(key, of, texts) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => open = true,
        }
    }
    (!open).then_some(true)
}

/// The nesting of keys is bounded where they are parsed.
fn holds(key: &SearchKey<'_>, of: &Candidate<'_>, texts: Option<&Texts>) -> Option<bool> {
    let message = of.message;
    let has = |flag: u8| message.flags.has(flag);
    let recent = || of.view.is_recent(message.uid);
    let envelope = |name: &str, value: &[u8]| texts.map(|t| t.envelope(name, &needle(value)));
    let sent = |test: &dyn Fn(Date) -> bool| texts.map(|t| t.sent().is_some_and(test));
    let came = |test: &dyn Fn(Date) -> bool| {
        let moment = DateTime::from_unix(message.received.seconds, message.received.zone);
        moment.is_ok_and(|moment| test(moment.date()))
    };
    Some(match key {
        SearchKey::All => true,
        SearchKey::Answered => has(Flags::ANSWERED),
        SearchKey::Deleted => has(Flags::DELETED),
        SearchKey::Draft => has(Flags::DRAFT),
        SearchKey::Flagged => has(Flags::FLAGGED),
        SearchKey::Seen => has(Flags::SEEN),
        SearchKey::Unanswered => !has(Flags::ANSWERED),
        SearchKey::Undeleted => !has(Flags::DELETED),
        SearchKey::Undraft => !has(Flags::DRAFT),
        SearchKey::Unflagged => !has(Flags::FLAGGED),
        SearchKey::Unseen => !has(Flags::SEEN),
        SearchKey::Recent => recent(),
        SearchKey::Old => !recent(),
        SearchKey::New => recent() && !has(Flags::SEEN),
        SearchKey::Keyword(name) => message.flags.has_keyword(name.as_str()),
        SearchKey::Unkeyword(name) => !message.flags.has_keyword(name.as_str()),
        SearchKey::Larger(size) => message.size > u64::from(*size),
        SearchKey::Smaller(size) => message.size < u64::from(*size),
        SearchKey::Before(day) => came(&|date| date < *day),
        SearchKey::On(day) => came(&|date| date == *day),
        SearchKey::Since(day) => came(&|date| date >= *day),
        SearchKey::Sequence(set) => set.contains(of.number, of.view.exists()),
        SearchKey::Uid(set) => set.contains(message.uid, of.view.largest_uid()),
        SearchKey::Bcc(value) => envelope("bcc", value.as_bytes())?,
        SearchKey::Cc(value) => envelope("cc", value.as_bytes())?,
        SearchKey::From(value) => envelope("from", value.as_bytes())?,
        SearchKey::To(value) => envelope("to", value.as_bytes())?,
        SearchKey::Subject(value) => envelope("subject", value.as_bytes())?,
        SearchKey::Header(name, value) => {
            texts?.field(&needle(name.as_bytes()), &needle(value.as_bytes()))?
        }
        SearchKey::Body(value) => texts?.body(&needle(value.as_bytes()))?,
        SearchKey::Text(value) => {
            let value = needle(value.as_bytes());
            match texts?.header(&value) {
                Some(false) => texts?.body(&value)?,
                known => known?,
            }
        }
        SearchKey::SentBefore(day) => sent(&|date| date < *day)?,
        SearchKey::SentOn(day) => sent(&|date| date == *day)?,
        SearchKey::SentSince(day) => sent(&|date| date >= *day)?,
        SearchKey::Not(key) => !holds(key, of, texts)?,
        SearchKey::Or(one, other) => match (holds(one, of, texts), holds(other, of, texts)) {
            (Some(true), _) | (_, Some(true)) => true,
            (Some(false), Some(false)) => false,
            _ => return None,
        },
        SearchKey::And(keys) => return all(keys, of, texts),
        // A key this server does not know finds nothing.
        _ => false,
    })
}

/// What is looked for in the texts of messages.
pub(super) fn needles(keys: &[SearchKey<'_>]) -> Vec<String> {
    let mut needles = Vec::new();
    let mut open: Vec<&SearchKey<'_>> = keys.iter().collect();
    while let Some(key) = open.pop() {
        match key {
            SearchKey::Body(value) | SearchKey::Text(value) => {
                needles.push(needle(value.as_bytes()));
            }
            SearchKey::Not(key) => open.push(key),
            SearchKey::Or(one, other) => open.extend([&**one, &**other]),
            SearchKey::And(keys) => open.extend(keys),
            _ => {}
        }
    }
    needles
}

fn needle(bytes: &[u8]) -> String {
    lower(&String::from_utf8_lossy(bytes))
}
