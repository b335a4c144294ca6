//! Fields as they were read, written by the rule.

use alloc::string::String;
use alloc::vec::Vec;

use super::wrong;
use crate::build::fold::Folder;
use crate::value::{address, ids, words};
use crate::{Address, DateTime, DefectKind, Limits, Mailbox};

/// The field as it was read; `None` when it says nothing to its reader, or cannot be
/// written by the rule.
pub(super) fn mend(name: &str, value: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut folder = Folder::field(&mut out, name, false);
    let mut allowed = None;
    match name.to_ascii_lowercase().as_str() {
        "from" | "sender" | "reply-to" | "to" | "cc" | "bcc" | "resent-from" | "resent-sender"
        | "resent-to" | "resent-cc" | "resent-bcc" => {
            // An address in UTF-8 has no other form.
            allowed = Some(DefectKind::RawUtf8InHeader);
            if !addresses(&mut folder, &address::parse(value)) {
                return None;
            }
        }
        "date" | "resent-date" => {
            folder.word(&DateTime::parse(value)?.to_rfc5322());
        }
        name @ ("message-id" | "in-reply-to" | "references" | "resent-message-id"
        | "content-id") => {
            let mut ids = ids::parse(value);
            if !matches!(name, "in-reply-to" | "references") {
                ids.truncate(1);
            }
            for id in &ids {
                folder.words(&["<", id, ">"]);
            }
            if ids.is_empty() {
                return None;
            }
        }
        _ => {
            folder.text(&plain(&words::decode(value)));
        }
    }
    folder.end();
    let mut wrong = wrong(&out, limits);
    if let Some(kind) = allowed {
        wrong = wrong.without(kind);
    }
    (wrong.is_empty() && out.len() <= limits.field_limit()).then_some(out)
}

/// Without characters that have no place on a line.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect()
}

/// Writes a list; `false` when nobody is in it.
fn addresses(folder: &mut Folder<'_>, list: &[Address<'_>]) -> bool {
    let mut first = true;
    // What may follow a word: of a group of nobody `:;,`.
    folder.leave(3);
    for address in list {
        let alone = match address {
            Address::Mailbox(mailbox) => match written(mailbox) {
                Some(text) => Some((mailbox, text)),
                None => continue,
            },
            Address::Group { .. } => None,
        };
        if !core::mem::replace(&mut first, false) {
            folder.glue(",");
        }
        if let Some((mailbox, text)) = alone {
            self::mailbox(folder, mailbox, &text);
            continue;
        }
        folder.phrase(&plain(&address.group().unwrap_or_default()));
        folder.glue(":");
        let members = address.mailboxes().iter();
        let members = members.filter_map(|m| Some((m, written(m)?)));
        for (n, (member, text)) in members.enumerate() {
            if n > 0 {
                folder.glue(",");
            }
            self::mailbox(folder, member, &text);
        }
        folder.glue(";");
    }
    !first
}

/// The address as it can be written: without controls, and as it is read again; `None`
/// for what is no address then.
fn written(mailbox: &Mailbox<'_>) -> Option<String> {
    let address = plain(&mailbox.address());
    match &address::parse(address.as_bytes())[..] {
        [Address::Mailbox(again)]
            if !again.local().is_empty()
                && again.domain().is_some() == mailbox.domain().is_some() =>
        {
            Some(plain(&again.address()))
        }
        _ => None,
    }
}

fn mailbox(folder: &mut Folder<'_>, mailbox: &Mailbox<'_>, address: &str) {
    let name = mailbox.name().map(|name| plain(&name));
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => {
            folder.phrase(&name);
            folder.words(&["<", address, ">"]);
        }
        None => {
            folder.word(address);
        }
    }
}

/// A Content-Type or Content-Disposition: its head, then each parameter in one form;
/// those that have none are left out, as are those with which it would have more than
/// `sections` or `length` bytes.
pub(super) fn structured<'p>(
    name: &str,
    head: &str,
    parameters: impl Iterator<Item = (&'p str, &'p str)>,
    mut sections: usize,
    mut length: usize,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut folder = Folder::field(&mut out, name, false);
    folder.word(head);
    // With colon, fold and line end.
    length = length.saturating_sub(name.len() + head.len() + 6);
    for (name, value) in parameters {
        let value = plain(value);
        // A long one is cut to sections, each of which counts; this is the most it needs.
        let needs = 1 + value.len() * 3 / 40;
        let bytes = value.len() * 3 + needs * (name.len() + 24);
        if !is_name(name) || needs > sections || bytes > length || value.len() > 2048 {
            continue;
        }
        sections -= needs;
        length -= bytes;
        folder.parameter(name, &value);
    }
    folder.end();
    out
}

/// A name of a parameter that RFC 2231 can extend.
fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len()) && name.bytes().all(crate::build::fold::is_token)
}

/// A type that can be written: two tokens.
pub(super) fn is_type(kind: &str, subtype: &str) -> bool {
    let token = |t: &str| (1..=127).contains(&t.len()) && t.bytes().all(crate::inspect::is_token);
    token(kind) && token(subtype)
}
