//! Storage, as the sessions see it: the [`Store`] trait and the values it speaks
//! in. [`Sqlite`] is the one implementation.
//!
//! What every implementation promises:
//! - A call that changes something has made it durable when it returns `Ok`, and
//!   has changed nothing when it returns `Err`.
//! - Each call is one transaction: others see all of it or nothing.
//! - No message is ever held in memory as a whole, neither coming nor going.

mod flags;
mod name;
mod sqlite;

use std::{future::Future, ops::RangeInclusive, pin::Pin};

use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use flags::{FlagChange, Flags};
pub(crate) use name::{MailboxName, SEPARATOR};
pub(crate) use sqlite::{OpenError, Sqlite};

/// Users, mailboxes and messages.
pub(crate) trait Store: Send + Sync + 'static {
    // Users.
    fn users(&self) -> Answer<'_, Vec<User>>;
    /// Creates the user with an INBOX, or sets the password anew.
    fn set_user(&self, name: String, password: PasswordHash) -> Answer<'_, UserId>;

    // Mailboxes.
    fn mailboxes(&self, user: UserId) -> Answer<'_, Vec<Listed>>;
    fn create(&self, user: UserId, name: MailboxName) -> Answer<'_, ()>;
    fn delete(&self, user: UserId, name: MailboxName) -> Answer<'_, ()>;
    fn rename(&self, user: UserId, from: MailboxName, to: MailboxName) -> Answer<'_, ()>;
    fn subscribe(&self, user: UserId, name: MailboxName, on: bool) -> Answer<'_, ()>;
    fn status(&self, user: UserId, name: MailboxName) -> Answer<'_, Status>;
    /// `claim`: from now on messages that came are \Recent to this session alone.
    fn open(&self, user: UserId, name: MailboxName, claim: bool) -> Answer<'_, Opened>;

    // Messages of a mailbox.
    /// A message that is about to come.
    fn draft(&self) -> Box<dyn Draft>;
    /// In UID order, `limit` at most.
    fn messages(&self, of: MailboxId, uids: UidSet, limit: usize) -> Answer<'_, Vec<Message>>;
    /// What happened since `modseq`; `claim` as in [`open`](Self::open).
    fn changes(&self, of: MailboxId, modseq: u64, claim: bool) -> Answer<'_, Changes>;
    /// A message's bytes, which stay readable after an expunge.
    fn content(&self, of: MailboxId, uid: u32) -> Answer<'_, Box<dyn Content>>;
    /// The messages that were there, as they are afterwards.
    fn flag(&self, of: MailboxId, uids: UidSet, change: FlagChange) -> Answer<'_, Vec<Message>>;
    /// Removes what is \Deleted, of `uids` if given; the UIDs that went.
    fn expunge(&self, of: MailboxId, uids: Option<UidSet>) -> Answer<'_, Vec<u32>>;
    /// COPY, or MOVE.
    fn copy(&self, of: MailboxId, uids: UidSet, to: Destination) -> Answer<'_, Copied>;

    /// Wakes at each change of that mailbox, and when it is deleted.
    fn watch(&self, mailbox: MailboxId) -> watch::Receiver<()>;
    /// Waits for what is running, tidies up and closes the files.
    fn close(&self) -> Answer<'_, ()>;
}

/// A message that is being received. To drop it is to discard it.
pub(crate) trait Draft: Send + Sync + 'static {
    /// Takes the next bytes; returns when they are out of the way.
    fn write(&mut self, data: Bytes) -> Answer<'_, ()>;
    /// Puts the message, with those header fields on top of it, into all those
    /// mailboxes, or into none.
    fn deliver(self: Box<Self>, head: Bytes, to: Vec<Delivery>) -> Answer<'static, Vec<Delivered>>;
}

/// A message's bytes.
pub(crate) trait Content: Send + Sync + 'static {
    /// How many.
    fn size(&self) -> u64;
    /// Those from `offset` on, as many as lie together: 256 KiB at most, none at
    /// the end.
    fn read(&self, offset: u64) -> Answer<'_, Bytes>;
    /// What [`keep_structure`](Self::keep_structure) was given.
    fn structure(&self) -> Option<Bytes>;
    /// Keeps something that was computed from the bytes, for all copies; soon, or
    /// not at all if the store is busy.
    fn keep_structure(&self, structure: Bytes);
}

/// What a store gives back when it is ready.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// UID ranges, ascending, apart from each other.
pub(crate) type UidSet = Vec<RangeInclusive<u32>>;

/// A user's row; the oldest user's is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserId(i64);

#[cfg(test)]
impl UserId {
    pub(crate) fn of(row: i64) -> Self {
        UserId(row)
    }
}

/// A mailbox's row; a mailbox created anew under an old name is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MailboxId(i64);

/// Somebody who has mail here.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) password: PasswordHash,
}

/// PBKDF2-HMAC-SHA256 of a password.
#[derive(Clone, Debug)]
pub(crate) struct PasswordHash {
    pub(crate) iterations: u32,
    pub(crate) salt: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// One copy of a draft, for one mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) user: UserId,
    pub(crate) mailbox: MailboxName,
    pub(crate) flags: Flags,
    pub(crate) received: Received,
}

/// INTERNALDATE: when a message came, and in which zone that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Seconds since 1970, UTC.
    pub(crate) seconds: i64,
    /// Minutes east of UTC.
    pub(crate) zone: i16,
}

/// Where a copy went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) uid_validity: u32,
    pub(crate) uid: u32,
}

/// A line of LIST or LSUB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: MailboxName,
    /// It is a mailbox; else only a subscription is left of it.
    pub(crate) exists: bool,
    pub(crate) subscribed: bool,
}

/// What STATUS tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) messages: u32,
    pub(crate) recent: u32,
    pub(crate) unseen: u32,
    pub(crate) deleted: u32,
    pub(crate) uid_next: u32,
    pub(crate) uid_validity: u32,
    /// Sum of all sizes, in bytes.
    pub(crate) size: u64,
}

/// What SELECT tells, and what a session needs to number messages.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) id: MailboxId,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    /// Pass it to [`Store::changes`].
    pub(crate) modseq: u64,
    /// Ascending; a message's sequence number is its index here, from 1.
    pub(crate) uids: Vec<u32>,
    /// Messages from this UID on, below `uid_next`, are \Recent here.
    pub(crate) recent_from: u32,
    pub(crate) first_unseen: Option<u32>,
    /// Keywords in use.
    pub(crate) keywords: Vec<String>,
}

/// A message, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: Flags,
    pub(crate) received: Received,
    pub(crate) size: u64,
    /// The mailbox's `modseq` when the message last changed.
    pub(crate) modseq: u64,
}

/// What changed in a mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) uid_next: u32,
    pub(crate) modseq: u64,
    /// New ones and ones whose flags changed, in UID order.
    pub(crate) messages: Vec<Message>,
    /// Expunged ones, in UID order.
    pub(crate) vanished: Vec<u32>,
    /// Messages from this UID on, below `uid_next`, are \Recent here; those of
    /// earlier calls stay so.
    pub(crate) recent_from: u32,
}

/// Where COPY and MOVE go.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) user: UserId,
    pub(crate) mailbox: MailboxName,
    /// MOVE: the originals go.
    pub(crate) remove: bool,
}

/// What COPY and MOVE did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) uid_validity: u32,
    /// Original and copy, in UID order of both.
    pub(crate) uids: Vec<(u32, u32)>,
}

/// Why the store did not do it. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("no such mailbox")]
    NoMailbox,
    #[error("the mailbox exists already")]
    Exists,
    /// The message, or the mailbox it was in, was removed meanwhile.
    #[error("the message is gone")]
    Gone,
    /// Not allowed, whoever asks.
    #[error("{0}")]
    Refused(&'static str),
    /// No space is left: later, or after a clean-up, it may work.
    #[error("no space left in the store")]
    Full,
    /// Anything else that may pass.
    #[error("the store failed: {0}")]
    Failed(String),
}
