//! Commands on mailboxes: LIST, LSUB, STATUS, SELECT.

use std::{collections::BTreeMap, num::NonZeroU32};

use scop_imap_proto::{
    command::StatusAttribute,
    response::{Attribute, Data, List, StatusItem},
    server::Selected,
    types::{Flag, Mailbox, Pattern},
};

use super::{view::View, wire::Failed};
use crate::store::{Listed, MailboxName, Opened, SEPARATOR, Status, StoreError};

/// The store's name for what the client calls a mailbox.
pub(super) fn name(mailbox: &Mailbox<'_>) -> Result<MailboxName, StoreError> {
    MailboxName::new(mailbox.as_str())
}

/// What LIST answers.
pub(super) fn list(
    all: &[Listed],
    reference: &Mailbox<'_>,
    pattern: &Pattern<'_>,
) -> Result<Vec<Data>, Failed> {
    if pattern.as_str().is_empty() {
        // The client asks for the separator (RFC 3501 6.3.8).
        let root = List {
            attributes: vec![Attribute::NoSelect],
            delimiter: Some(SEPARATOR),
            mailbox: mailbox("")?,
        };
        return Ok(vec![Data::List(root)]);
    }
    let pattern = under(pattern, reference)?;
    // Levels between mailboxes are listed even if they are none themselves.
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    for listed in all.iter().filter(|l| l.exists) {
        for parent in listed.name.parents() {
            names.entry(parent.to_string()).or_insert(false);
        }
        names.insert(listed.name.to_string(), true);
    }
    let has_children = |name: &str| {
        let below = format!("{name}{SEPARATOR}");
        let next = names.range(below.clone()..).next();
        next.is_some_and(|(next, _)| next.starts_with(&below))
    };
    let mut found = Vec::new();
    for (name, exists) in &names {
        if !pattern.matches(name, Some(SEPARATOR)) {
            continue;
        }
        let mut attributes = Vec::new();
        if !exists {
            attributes.push(Attribute::NoSelect);
        }
        attributes.push(match has_children(name) {
            true => Attribute::HasChildren,
            false => Attribute::HasNoChildren,
        });
        found.push(Data::List(List {
            attributes,
            delimiter: Some(SEPARATOR),
            mailbox: mailbox(name)?,
        }));
    }
    Ok(found)
}

/// What LSUB answers: subscriptions, and for `%` the levels above those that it
/// does not reach (RFC 3501 6.3.9).
pub(super) fn lsub(
    all: &[Listed],
    reference: &Mailbox<'_>,
    pattern: &Pattern<'_>,
) -> Result<Vec<Data>, Failed> {
    let pattern = under(pattern, reference)?;
    let matches = |name: &str| pattern.matches(name, Some(SEPARATOR));
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    for listed in all.iter().filter(|l| l.subscribed) {
        if matches(listed.name.as_str()) {
            names.insert(listed.name.to_string(), true);
        } else if let Some(parent) = listed.name.parents().find(|p| matches(p.as_str())) {
            names.entry(parent.to_string()).or_insert(false);
        }
    }
    let line = |(name, subscribed): (String, bool)| {
        Ok(Data::Lsub(List {
            attributes: if subscribed {
                vec![]
            } else {
                vec![Attribute::NoSelect]
            },
            delimiter: Some(SEPARATOR),
            mailbox: mailbox(&name)?,
        }))
    };
    names.into_iter().map(line).collect()
}

fn under(pattern: &Pattern<'_>, reference: &Mailbox<'_>) -> Result<Pattern<'static>, Failed> {
    pattern.under(reference).map_err(|e| Failed::bad(e.what))
}

fn mailbox(name: &str) -> Result<Mailbox<'static>, Failed> {
    Mailbox::new(name.to_owned()).map_err(|e| Failed::no(e.what))
}

/// What STATUS answers.
pub(super) fn status(
    mailbox: &Mailbox<'_>,
    attributes: &[StatusAttribute],
    status: &Status,
) -> Data {
    let item = |attribute: &StatusAttribute| {
        Some(match attribute {
            StatusAttribute::Messages => StatusItem::Messages(status.messages),
            StatusAttribute::Recent => StatusItem::Recent(status.recent),
            StatusAttribute::UidNext => StatusItem::UidNext(status.uid_next),
            StatusAttribute::UidValidity => StatusItem::UidValidity(status.uid_validity),
            StatusAttribute::Unseen => StatusItem::Unseen(status.unseen),
            _ => return None,
        })
    };
    Data::Status {
        mailbox: mailbox.clone().into_owned(),
        items: attributes.iter().filter_map(item).collect(),
    }
}

/// What SELECT and EXAMINE answer.
pub(super) fn selected(opened: &Opened, view: &View) -> Selected {
    let mut flags = vec![
        Flag::Answered,
        Flag::Flagged,
        Flag::Deleted,
        Flag::Seen,
        Flag::Draft,
    ];
    let keyword = |name: &String| Flag::new(name).ok().map(Flag::into_owned);
    flags.extend(opened.keywords.iter().filter_map(keyword));
    let permanent_flags = match view.read_only {
        true => Vec::new(),
        false => flags.iter().cloned().chain([Flag::Any]).collect(),
    };
    Selected {
        flags,
        permanent_flags,
        exists: view.exists(),
        recent: view.recent(),
        unseen: opened
            .first_unseen
            .and_then(|uid| view.number(uid))
            .and_then(NonZeroU32::new),
        uid_validity: number(opened.uid_validity),
        uid_next: number(opened.uid_next),
        read_only: view.read_only,
    }
}

/// The store's numbers begin at 1.
pub(super) fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, exists: bool, subscribed: bool) -> Listed {
        Listed {
            name: MailboxName::new(name).unwrap(),
            exists,
            subscribed,
        }
    }

    fn shown(data: Vec<Data>) -> Vec<String> {
        let line = |data| match data {
            Data::List(list) | Data::Lsub(list) => {
                let no_select = list.attributes.contains(&Attribute::NoSelect);
                let children = list.attributes.contains(&Attribute::HasChildren);
                let marks = [("", "!"), ("", "+")];
                let mark = |n: usize, on: bool| if on { marks[n].1 } else { marks[n].0 };
                format!(
                    "{}{}{}",
                    list.mailbox.as_str(),
                    mark(0, no_select),
                    mark(1, children)
                )
            }
            other => panic!("{other:?}"),
        };
        data.into_iter().map(line).collect()
    }

    type Ask = fn(&[Listed], &Mailbox<'_>, &Pattern<'_>) -> Result<Vec<Data>, Failed>;

    fn ask(ask: Ask, reference: &str, pattern: &str) -> Vec<String> {
        let all = [
            listed("INBOX", true, true),
            listed("a/b/c", true, false),
            listed("a/bc", true, true),
            listed("a-b", true, false),
            listed("gone/x", false, true),
        ];
        let (reference, pattern) = (Mailbox::new(reference), Pattern::new(pattern));
        match ask(&all, &reference.unwrap(), &pattern.unwrap()) {
            Ok(data) => shown(data),
            Err(_) => panic!("failed"),
        }
    }

    #[test]
    fn list_shows_levels_between_mailboxes() {
        assert_eq!(
            ask(list, "", "*"),
            ["INBOX", "a!+", "a-b", "a/b!+", "a/b/c", "a/bc"]
        );
        assert_eq!(ask(list, "", "%"), ["INBOX", "a!+", "a-b"]);
        assert_eq!(ask(list, "a/", "%"), ["a/b!+", "a/bc"]);
        assert_eq!(ask(list, "", "inbox"), ["INBOX"]);
        assert_eq!(ask(list, "", ""), ["!"]);
        assert_eq!(ask(list, "", "none"), [""; 0]);
    }

    #[test]
    fn lsub_shows_subscriptions_that_outlive_their_mailbox_and_levels_above_for_percent() {
        assert_eq!(ask(lsub, "", "*"), ["INBOX", "a/bc", "gone/x"]);
        assert_eq!(ask(lsub, "", "%"), ["INBOX", "a!", "gone!"]);
        assert_eq!(ask(lsub, "gone/", "%"), ["gone/x"]);
    }
}
