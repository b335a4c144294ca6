//! SEARCH: what is cheap is looked at first, a message's bytes only when the rest
//! leaves it open.

use scop_imap_proto::{
    command::SearchKey,
    types::{Date, DateTime},
};

use super::{texts::Texts, view::View};
use crate::store::{Flags, Message};

/// A message, and how it is numbered in this session.
pub(super) struct Candidate<'a> {
    pub(super) message: &'a Message,
    pub(super) number: u32,
    pub(super) view: &'a View,
}

/// Whether all of `keys` hold; `None` if that cannot be told without the texts.
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
    let field = |name: &str, value: &[u8]| texts.map(|t| t.field(name, &lossy(value)));
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
        SearchKey::Bcc(value) => field("bcc", value.as_bytes())?,
        SearchKey::Cc(value) => field("cc", value.as_bytes())?,
        SearchKey::From(value) => field("from", value.as_bytes())?,
        SearchKey::To(value) => field("to", value.as_bytes())?,
        SearchKey::Subject(value) => field("subject", value.as_bytes())?,
        SearchKey::Header(name, value) => field(&lossy(name.as_bytes()), value.as_bytes())?,
        SearchKey::Body(value) => texts?.body(&lossy(value.as_bytes())),
        SearchKey::Text(value) => {
            let value = lossy(value.as_bytes());
            texts?.header(&value) || texts?.body(&value)
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

/// Whether a message's body, beside its header, may have to be looked at.
pub(super) fn wants_body(key: &SearchKey<'_>) -> bool {
    match key {
        SearchKey::Body(_) | SearchKey::Text(_) => true,
        SearchKey::Not(key) => wants_body(key),
        SearchKey::Or(one, other) => wants_body(one) || wants_body(other),
        SearchKey::And(keys) => keys.iter().any(wants_body),
        _ => false,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_lowercase()
}
