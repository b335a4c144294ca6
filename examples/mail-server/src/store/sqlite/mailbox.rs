//! Mailboxes: made, found, listed, renamed, removed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, Row, params};

use super::{
    Listed, MailboxId, MailboxName, Maybe, Opened, Status, StoreError, UserId, failure, message,
    writer::Effects,
};

/// Mailboxes of one user, and subscriptions.
const MAX: u32 = 10_000;

pub(super) fn find(
    c: &Connection,
    user: UserId,
    name: &MailboxName,
) -> Result<MailboxId, StoreError> {
    c.prepare_cached("SELECT id FROM mailbox WHERE user = ?1 AND name = ?2")
        .and_then(|mut s| s.query_row(params![user, name.as_str()], |row| row.get(0)))
        .maybe()?
        .ok_or(StoreError::NoMailbox)
}

pub(super) fn list(c: &Connection, user: UserId) -> Result<Vec<Listed>, StoreError> {
    let names = |sql: &str| -> rusqlite::Result<BTreeSet<String>> {
        let mut statement = c.prepare_cached(sql)?;
        let rows = statement.query_map([user], |row| row.get(0))?;
        rows.collect()
    };
    let mailboxes = names("SELECT name FROM mailbox WHERE user = ?1").map_err(failure)?;
    let subscribed = names("SELECT name FROM subscription WHERE user = ?1").map_err(failure)?;
    let all = mailboxes.union(&subscribed).map(|name| Listed {
        name: MailboxName::stored(name.clone()),
        exists: mailboxes.contains(name),
        subscribed: subscribed.contains(name),
    });
    Ok(all.collect())
}

/// Makes the mailbox and those above it that are missing.
pub(super) fn create(c: &Connection, user: UserId, name: &MailboxName) -> Result<(), StoreError> {
    if find(c, user, name) != Err(StoreError::NoMailbox) {
        return Err(StoreError::Exists);
    }
    limited(c, "SELECT count(*) FROM mailbox WHERE user = ?1", user)?;
    make_parents(c, user, name)?;
    make(c, user, name)
}

fn make_parents(c: &Connection, user: UserId, name: &MailboxName) -> Result<(), StoreError> {
    for parent in name.parents() {
        if find(c, user, &parent) == Err(StoreError::NoMailbox) {
            make(c, user, &parent)?;
        }
    }
    Ok(())
}

/// A mailbox gets a UIDVALIDITY that none had before (RFC 3501 2.3.1.1): the time,
/// or one more than the highest there is. AUTOINCREMENT remembers the highest for us
/// also when its mailbox is gone.
fn make(c: &Connection, user: UserId, name: &MailboxName) -> Result<(), StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(1, |d| d.as_secs()) as i64;
    // The id doubles as UIDVALIDITY.
    c.prepare_cached(
        "INSERT INTO mailbox (id, user, name, uid_validity) \
         SELECT next, ?1, ?2, next FROM (SELECT max(?3, 1 + coalesce( \
             (SELECT seq FROM sqlite_sequence WHERE name = 'mailbox'), 0)) AS next)",
    )
    .and_then(|mut s| s.execute(params![user, name.as_str(), now]))
    .map(|_| ())
    .map_err(failure)
}

pub(super) fn delete(
    c: &Connection,
    effects: &mut Effects,
    user: UserId,
    name: &MailboxName,
) -> Result<(), StoreError> {
    if name.is_inbox() {
        return Err(StoreError::Refused("INBOX cannot be deleted"));
    }
    let id = find(c, user, name)?;
    let mut blobs = c
        .prepare_cached("DELETE FROM message WHERE mailbox = ?1 RETURNING blob")
        .map_err(failure)?;
    let rows = blobs.query_map([id], |row| row.get(0)).map_err(failure)?;
    for blob in rows {
        effects.dropped.push(blob.map_err(failure)?);
    }
    for sql in [
        "DELETE FROM vanished WHERE mailbox = ?1",
        "DELETE FROM mailbox WHERE id = ?1",
    ] {
        c.execute(sql, [id]).map_err(failure)?;
    }
    effects.touched.push(id);
    Ok(())
}

/// Children move along. INBOX stays, and gives its messages away (RFC 3501 6.3.5).
pub(super) fn rename(
    c: &Connection,
    effects: &mut Effects,
    user: UserId,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<(), StoreError> {
    let children: Vec<MailboxName> = list(c, user)?
        .into_iter()
        .filter(|l| l.exists && l.name.as_str().starts_with(&from.prefix()))
        .map(|l| l.name)
        .collect();
    let source = find(c, user, from);
    if source.is_err() && children.is_empty() {
        return Err(StoreError::NoMailbox);
    }
    if from.is_inbox() {
        create(c, user, to)?;
        return message::move_all(c, effects, source?, find(c, user, to)?);
    }
    if find(c, user, to) != Err(StoreError::NoMailbox) {
        return Err(StoreError::Exists);
    }
    if to.as_str().starts_with(&from.prefix()) {
        return Err(StoreError::Refused("a mailbox cannot move below itself"));
    }
    make_parents(c, user, to)?;
    let moved = children
        .iter()
        .map(|child| Ok((child, child.moved(from, to)?)));
    let own = source.ok().map(|_| Ok((from, to.clone())));
    for pair in own.into_iter().chain(moved) {
        let (old, new) = pair?;
        if find(c, user, &new) != Err(StoreError::NoMailbox) {
            return Err(StoreError::Exists);
        }
        c.prepare_cached("UPDATE mailbox SET name = ?3 WHERE user = ?1 AND name = ?2")
            .and_then(|mut s| s.execute(params![user, old.as_str(), new.as_str()]))
            .map_err(failure)?;
    }
    Ok(())
}

pub(super) fn subscribe(
    c: &Connection,
    user: UserId,
    name: &MailboxName,
    on: bool,
) -> Result<(), StoreError> {
    let sql = if on {
        limited(c, "SELECT count(*) FROM subscription WHERE user = ?1", user)?;
        "INSERT OR IGNORE INTO subscription (user, name) VALUES (?1, ?2)"
    } else {
        "DELETE FROM subscription WHERE user = ?1 AND name = ?2"
    };
    c.prepare_cached(sql)
        .and_then(|mut s| s.execute(params![user, name.as_str()]))
        .map(|_| ())
        .map_err(failure)
}

fn limited(c: &Connection, count: &str, user: UserId) -> Result<(), StoreError> {
    let have: u32 = c
        .query_row(count, [user], |row| row.get(0))
        .map_err(failure)?;
    if have >= MAX {
        return Err(StoreError::Refused("a user has 10000 mailboxes at most"));
    }
    Ok(())
}

pub(super) fn status(
    c: &Connection,
    user: UserId,
    name: &MailboxName,
) -> Result<Status, StoreError> {
    let id = find(c, user, name)?;
    let status = |row: &Row<'_>| {
        Ok(Status {
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
            messages: row.get(2)?,
            size: u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
            recent: row.get(4)?,
            unseen: row.get(5)?,
            deleted: row.get(6)?,
        })
    };
    c.prepare_cached(
        "SELECT uid_validity, uid_next, \
            (SELECT count(*) FROM message WHERE mailbox = ?1), \
            (SELECT coalesce(sum(size), 0) FROM message WHERE mailbox = ?1), \
            (SELECT count(*) FROM message WHERE mailbox = ?1 AND uid >= recent_from), \
            (SELECT count(*) FROM message WHERE mailbox = ?1 AND flags & 1 = 0), \
            (SELECT count(*) FROM message WHERE mailbox = ?1 AND flags & 8 != 0) \
         FROM mailbox WHERE id = ?1",
    )
    .and_then(|mut s| s.query_row([id], status))
    .map_err(failure)
}

/// `claimed`: from which UID on this session claimed what is recent.
pub(super) fn open(
    c: &Connection,
    user: UserId,
    name: &MailboxName,
    claimed: Option<u32>,
) -> Result<Opened, StoreError> {
    let id = find(c, user, name)?;
    let opened = |row: &Row<'_>| {
        Ok(Opened {
            id,
            uid_validity: row.get(0)?,
            uid_next: row.get(1)?,
            modseq: message::modseq(row, 2)?,
            recent_from: claimed.unwrap_or(row.get(3)?),
            first_unseen: row.get(4)?,
            uids: Vec::new(),
            keywords: Vec::new(),
        })
    };
    let read = || -> rusqlite::Result<Opened> {
        let mut opened = c
            .prepare_cached(
                "SELECT uid_validity, uid_next, modseq, recent_from, \
                    (SELECT min(uid) FROM message WHERE mailbox = ?1 AND flags & 1 = 0) \
                 FROM mailbox WHERE id = ?1",
            )?
            .query_row([id], opened)?;
        let mut uids =
            c.prepare_cached("SELECT uid FROM message WHERE mailbox = ?1 ORDER BY uid")?;
        opened.uids = uids
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut keywords = c.prepare_cached(
            "SELECT DISTINCT keywords FROM message WHERE mailbox = ?1 AND keywords != '' LIMIT 1000",
        )?;
        let mut distinct = BTreeMap::new();
        for list in keywords.query_map([id], |row| row.get::<_, String>(0))? {
            for keyword in list?.split(' ') {
                distinct.insert(keyword.to_ascii_lowercase(), keyword.to_owned());
            }
        }
        opened.keywords = distinct.into_values().collect();
        Ok(opened)
    };
    read().map_err(failure)
}

/// Takes what is recent for one session: the UID from which on it was free.
pub(super) fn claim(c: &Connection, id: MailboxId) -> Result<u32, StoreError> {
    let from = c
        .prepare_cached("SELECT recent_from FROM mailbox WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], |row| row.get(0)))
        .maybe()?
        .ok_or(StoreError::Gone)?;
    c.prepare_cached(
        "UPDATE mailbox SET recent_from = uid_next WHERE id = ?1 AND recent_from != uid_next",
    )
    .and_then(|mut s| s.execute([id]))
    .map_err(failure)?;
    Ok(from)
}
