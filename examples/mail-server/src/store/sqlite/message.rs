//! Messages of a mailbox: added, listed, flagged, copied, expunged.

use rusqlite::{Connection, Params, Row, params};

use super::{
    BlobId, Changes, Copied, Destination, FlagChange, MailboxId, Maybe, Message, StoreError,
    failure, mailbox, writer::Effects,
};
use crate::store::{Delivered, Delivery, Flags, Received, UidSet};

const COLUMNS: &str = "uid, flags, keywords, received, zone, size, modseq, blob";

struct Stored {
    message: Message,
    blob: BlobId,
}

pub(super) fn modseq(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

/// `condition` may use `?1`, the mailbox, and what follows in `params`.
fn select(c: &Connection, condition: &str, params: impl Params) -> Result<Vec<Stored>, StoreError> {
    let stored = |row: &Row<'_>| {
        let keywords = row.get_ref(2)?.as_str()?;
        Ok(Stored {
            message: Message {
                uid: row.get(0)?,
                flags: Flags::from_columns(row.get(1)?, keywords),
                received: Received {
                    seconds: row.get(3)?,
                    zone: row.get(4)?,
                },
                size: modseq(row, 5)?,
                modseq: modseq(row, 6)?,
            },
            blob: row.get(7)?,
        })
    };
    let sql = format!("SELECT {COLUMNS} FROM message WHERE mailbox = ?1 AND {condition}");
    let mut statement = c.prepare_cached(&sql).map_err(failure)?;
    let rows = statement.query_map(params, stored).map_err(failure)?;
    rows.collect::<Result<_, _>>().map_err(failure)
}

fn in_set(
    c: &Connection,
    mailbox: MailboxId,
    uids: &UidSet,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let mut found = Vec::new();
    for range in uids {
        let left = limit.saturating_sub(found.len());
        if left == 0 {
            break;
        }
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        let condition = "uid BETWEEN ?2 AND ?3 ORDER BY uid LIMIT ?4";
        let params = params![mailbox, range.start(), range.end(), left];
        found.extend(select(c, condition, params)?);
    }
    Ok(found)
}

fn alone(stored: Vec<Stored>) -> Vec<Message> {
    stored.into_iter().map(|s| s.message).collect()
}

pub(super) fn list(
    c: &Connection,
    mailbox: MailboxId,
    uids: &UidSet,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    in_set(c, mailbox, uids, limit).map(alone)
}

pub(super) fn changes(
    c: &Connection,
    mailbox: MailboxId,
    since: u64,
) -> Result<Changes, StoreError> {
    let state = |row: &Row<'_>| Ok((row.get(0)?, modseq(row, 1)?, row.get(2)?));
    let (uid_next, now, recent_from) = c
        .prepare_cached("SELECT uid_next, modseq, recent_from FROM mailbox WHERE id = ?1")
        .and_then(|mut s| s.query_row([mailbox], state))
        .maybe()?
        .ok_or(StoreError::Gone)?;
    let mut changes = Changes {
        uid_next,
        modseq: now,
        messages: Vec::new(),
        vanished: Vec::new(),
        recent_from,
    };
    if now > since {
        let since = since as i64;
        let condition = "modseq > ?2 ORDER BY uid";
        changes.messages = alone(select(c, condition, params![mailbox, since])?);
        let sql = "SELECT uid FROM vanished WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid";
        let mut gone = c.prepare_cached(sql).map_err(failure)?;
        let rows = gone.query_map(params![mailbox, since], |row| row.get(0));
        changes.vanished = rows.and_then(Iterator::collect).map_err(failure)?;
    }
    Ok(changes)
}

/// Counts a change of the mailbox: its new modseq.
fn bump(c: &Connection, mailbox: MailboxId) -> Result<i64, StoreError> {
    c.prepare_cached("UPDATE mailbox SET modseq = modseq + 1 WHERE id = ?1 RETURNING modseq")
        .and_then(|mut s| s.query_row([mailbox], |row| row.get(0)))
        .maybe()?
        .ok_or(StoreError::Gone)
}

/// The next UID of the mailbox, its UIDVALIDITY and its new modseq.
fn next_uid(c: &Connection, mailbox: MailboxId) -> Result<(u32, u32, i64), StoreError> {
    let (uid, validity, modseq): (u32, u32, i64) = c
        .prepare_cached(
            "UPDATE mailbox SET uid_next = uid_next + 1, modseq = modseq + 1 \
             WHERE id = ?1 AND uid_next < 4294967295 RETURNING uid_next - 1, uid_validity, modseq",
        )
        .and_then(|mut s| s.query_row([mailbox], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))))
        .maybe()?
        .ok_or(StoreError::Refused("the mailbox has used up its UIDs"))?;
    Ok((uid, validity, modseq))
}

fn insert(
    c: &Connection,
    mailbox: MailboxId,
    message: &Message,
    modseq: i64,
    blob: BlobId,
) -> Result<(), StoreError> {
    let (flags, keywords) = message.flags.columns();
    let Received { seconds, zone } = message.received;
    c.prepare_cached(
        "INSERT INTO message (mailbox, uid, flags, keywords, received, zone, size, modseq, blob) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .and_then(|mut s| {
        s.execute(params![
            mailbox,
            message.uid,
            flags,
            keywords,
            seconds,
            zone,
            message.size as i64,
            modseq,
            blob
        ])
    })
    .map(|_| ())
    .map_err(failure)
}

pub(super) fn add(
    c: &Connection,
    mailbox: MailboxId,
    copy: &Delivery,
    blob: BlobId,
    size: u64,
) -> Result<Delivered, StoreError> {
    let (uid, uid_validity, modseq) = next_uid(c, mailbox)?;
    let message = Message {
        uid,
        flags: copy.flags.clone(),
        received: copy.received,
        size,
        modseq: 0,
    };
    insert(c, mailbox, &message, modseq, blob)?;
    Ok(Delivered { uid_validity, uid })
}

pub(super) fn flag(
    c: &Connection,
    effects: &mut Effects,
    mailbox: MailboxId,
    uids: &UidSet,
    change: &FlagChange,
) -> Result<Vec<Message>, StoreError> {
    let mut messages = alone(in_set(c, mailbox, uids, usize::MAX)?);
    let mut now = None;
    for message in &mut messages {
        let mut flags = message.flags.clone();
        flags.apply(change)?;
        if flags == message.flags {
            continue;
        }
        let modseq = match now {
            Some(modseq) => modseq,
            None => *now.insert(bump(c, mailbox)?),
        };
        let (system, keywords) = flags.columns();
        c.prepare_cached(
            "UPDATE message SET flags = ?3, keywords = ?4, modseq = ?5 \
             WHERE mailbox = ?1 AND uid = ?2",
        )
        .and_then(|mut s| s.execute(params![mailbox, message.uid, system, keywords, modseq]))
        .map_err(failure)?;
        message.flags = flags;
        message.modseq = modseq.unsigned_abs();
    }
    if now.is_some() {
        effects.touched.push(mailbox);
    }
    Ok(messages)
}

pub(super) fn expunge(
    c: &Connection,
    effects: &mut Effects,
    mailbox: MailboxId,
    uids: Option<&[std::ops::RangeInclusive<u32>]>,
) -> Result<Vec<u32>, StoreError> {
    let all = [1..=u32::MAX];
    let mut doomed = Vec::new();
    for range in uids.unwrap_or(&all) {
        let condition = "flags & 8 != 0 AND uid BETWEEN ?2 AND ?3 ORDER BY uid";
        doomed.extend(select(
            c,
            condition,
            params![mailbox, range.start(), range.end()],
        )?);
    }
    remove(c, effects, mailbox, &doomed)?;
    Ok(doomed.iter().map(|s| s.message.uid).collect())
}

fn remove(
    c: &Connection,
    effects: &mut Effects,
    mailbox: MailboxId,
    doomed: &[Stored],
) -> Result<(), StoreError> {
    if doomed.is_empty() {
        return Ok(());
    }
    let modseq = bump(c, mailbox)?;
    for Stored { message, blob } in doomed {
        c.prepare_cached("DELETE FROM message WHERE mailbox = ?1 AND uid = ?2")
            .and_then(|mut s| s.execute(params![mailbox, message.uid]))
            .map_err(failure)?;
        c.prepare_cached("INSERT INTO vanished (mailbox, modseq, uid) VALUES (?1, ?2, ?3)")
            .and_then(|mut s| s.execute(params![mailbox, modseq, message.uid]))
            .map_err(failure)?;
        effects.dropped.push(*blob);
    }
    effects.touched.push(mailbox);
    Ok(())
}

pub(super) fn copy(
    c: &Connection,
    effects: &mut Effects,
    from: MailboxId,
    uids: &UidSet,
    to: &Destination,
) -> Result<Copied, StoreError> {
    let into = mailbox::find(c, to.user, &to.mailbox)?;
    let originals = in_set(c, from, uids, usize::MAX)?;
    let copied = copy_into(c, effects, &originals, into)?;
    if to.remove {
        remove(c, effects, from, &originals)?;
    }
    Ok(copied)
}

/// All messages of one mailbox to another.
pub(super) fn move_all(
    c: &Connection,
    effects: &mut Effects,
    from: MailboxId,
    into: MailboxId,
) -> Result<(), StoreError> {
    let all = in_set(c, from, &vec![1..=u32::MAX], usize::MAX)?;
    copy_into(c, effects, &all, into)?;
    remove(c, effects, from, &all)
}

fn copy_into(
    c: &Connection,
    effects: &mut Effects,
    originals: &[Stored],
    into: MailboxId,
) -> Result<Copied, StoreError> {
    let uid_validity = c
        .query_row(
            "SELECT uid_validity FROM mailbox WHERE id = ?1",
            [into],
            |r| r.get(0),
        )
        .map_err(failure)?;
    let mut uids = Vec::with_capacity(originals.len());
    for Stored { message, blob } in originals {
        let (uid, _, modseq) = next_uid(c, into)?;
        let copy = Message {
            uid,
            ..message.clone()
        };
        insert(c, into, &copy, modseq, *blob)?;
        uids.push((message.uid, uid));
    }
    if !uids.is_empty() {
        effects.touched.push(into);
    }
    Ok(Copied { uid_validity, uids })
}
