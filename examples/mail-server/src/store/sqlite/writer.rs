//! One thread writes. What waits when it is free goes into one transaction, so that
//! a hundred deliveries at once cost a few waits for the disk, not a hundred.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{BlobId, StoreError, failure};
use crate::store::MailboxId;

/// Changes in one transaction, at the most.
const BATCH: usize = 64;
/// Changes that wait; who comes then waits for room.
const QUEUE: usize = 256;

/// What a change does beside its rows; void if it is rolled back.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Mailboxes that changed: who watches them is woken.
    pub(super) touched: Vec<MailboxId>,
    /// Blobs of which a message went: removed when it was the last.
    pub(super) dropped: Vec<BlobId>,
}

/// What the writer and the readers share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    watched: Mutex<HashMap<MailboxId, watch::Sender<()>>>,
    pinned: Mutex<HashMap<BlobId, Pinned>>,
}

/// A blob that is being read.
#[derive(Debug, Default)]
struct Pinned {
    /// By how many.
    readers: usize,
    /// It would have been removed.
    doomed: bool,
}

trait Job: Send {
    /// May be called again after its transaction was rolled back.
    fn run(&mut self, connection: &Connection, effects: &mut Effects) -> Result<(), StoreError>;
    fn durable(&self) -> bool;
    fn reply(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Ticket<T, F> {
    work: F,
    durable: bool,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Ticket<T, F>
where
    T: Send,
    F: FnMut(&Connection, &mut Effects) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection, effects: &mut Effects) -> Result<(), StoreError> {
        self.value = Some((self.work)(connection, effects)?);
        Ok(())
    }

    fn durable(&self) -> bool {
        self.durable
    }

    fn reply(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Ticket { value, reply, .. } = *self;
        let outcome = outcome.and_then(|()| value.ok_or_else(closed));
        // Nobody may be waiting any more; what is done is done.
        let _ = reply.send(outcome);
    }
}

/// The way to the writing thread.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("store".into())
            .spawn(move || write(&connection, queue, &shared))?;
        Ok(Writer { jobs })
    }

    /// Runs `work` in a transaction that is on the disk when this returns.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Effects) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work, true).await
    }

    /// Runs `work` in a transaction that the next durable one carries to the disk.
    pub(super) async fn run_lazily<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Effects) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work, false).await
    }

    /// Has `work` run some time, if there is room for it; from anywhere.
    pub(super) fn later<F>(&self, work: F)
    where
        F: FnMut(&Connection, &mut Effects) -> Result<(), StoreError> + Send + 'static,
    {
        let (reply, _) = oneshot::channel();
        let _ = self.jobs.try_send(Box::new(Ticket {
            work,
            durable: false,
            value: None,
            reply,
        }));
    }

    async fn submit<T, F>(&self, work: F, durable: bool) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Effects) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket {
            work,
            durable,
            value: None,
            reply,
        };
        let sent = self.jobs.send(Box::new(ticket)).await;
        sent.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

fn closed() -> StoreError {
    StoreError::Failed("it is closed".into())
}

/// Until the last [`Writer`] is dropped.
fn write(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Job>>, shared: &Shared) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        commit(connection, batch, shared);
    }
}

fn commit(connection: &Connection, mut batch: Vec<Box<dyn Job>>, shared: &Shared) {
    let mut effects = Effects::default();
    match transact(connection, &mut batch, &mut effects) {
        Ok(outcomes) => {
            shared.notify(&effects.touched);
            shared.collect(connection, effects.dropped);
            for (job, outcome) in batch.into_iter().zip(outcomes) {
                job.reply(outcome);
            }
        }
        // One of them took the others down with it: each alone, then.
        Err(_) if batch.len() > 1 => {
            for job in batch {
                commit(connection, vec![job], shared);
            }
        }
        Err(error) => {
            tracing::error!(%error, "a transaction failed");
            for job in batch {
                job.reply(Err(error.clone()));
            }
        }
    }
}

/// All of `batch` in one transaction, each job whole or not at all.
fn transact(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    effects: &mut Effects,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let outcome = attempt(connection, batch, effects);
    if outcome.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    outcome
}

fn attempt(
    connection: &Connection,
    batch: &mut [Box<dyn Job>],
    effects: &mut Effects,
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let sql = |text: &str| {
        let done = connection
            .prepare_cached(text)
            .and_then(|mut s| s.execute([]));
        done.map(|_| ()).map_err(failure)
    };
    let durable = batch.iter().any(|job| job.durable());
    // In WAL mode the sync of a FULL commit takes along what NORMAL ones wrote before.
    connection
        .pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
        .map_err(failure)?;
    sql("BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for job in batch {
        let (touched, dropped) = (effects.touched.len(), effects.dropped.len());
        sql("SAVEPOINT job")?;
        let outcome = job.run(connection, effects);
        if let Err(error) = &outcome {
            if connection.is_autocommit() {
                // SQLite has rolled back everything (a full disk, a failed write).
                return Err(error.clone());
            }
            sql("ROLLBACK TO job")?;
            effects.touched.truncate(touched);
            effects.dropped.truncate(dropped);
        }
        sql("RELEASE job")?;
        outcomes.push(outcome);
    }
    sql("COMMIT")?;
    Ok(outcomes)
}

impl Shared {
    pub(super) fn watch(&self, mailbox: MailboxId) -> watch::Receiver<()> {
        let mut watched = lock(&self.watched);
        let sender = watched
            .entry(mailbox)
            .or_insert_with(|| watch::channel(()).0);
        sender.subscribe()
    }

    fn notify(&self, touched: &[MailboxId]) {
        let mut watched = lock(&self.watched);
        for mailbox in touched {
            if let Some(sender) = watched.get(mailbox)
                && sender.send(()).is_err()
            {
                watched.remove(mailbox);
            }
        }
    }

    /// From now until [`unpin`](Self::unpin), [`collect`](Self::collect) leaves the
    /// blob alone. Whether it was still there is to be looked at afterwards.
    pub(super) fn pin(&self, blob: BlobId) {
        lock(&self.pinned).entry(blob).or_default().readers += 1;
    }

    /// `true` when this was the last reader and the blob is to be removed now.
    pub(super) fn unpin(&self, blob: BlobId) -> bool {
        let mut pinned = lock(&self.pinned);
        let Some(entry) = pinned.get_mut(&blob) else {
            return false;
        };
        entry.readers -= 1;
        entry.readers == 0 && pinned.remove(&blob).is_some_and(|entry| entry.doomed)
    }

    /// Removes those of `blobs` that are in no mailbox and that nobody reads. What
    /// fails here is made good at the next start.
    fn collect(&self, connection: &Connection, blobs: Vec<BlobId>) {
        if blobs.is_empty() {
            return;
        }
        // Held until the commit: who pins one of them then finds it gone.
        let mut pinned = lock(&self.pinned);
        let remove = || -> rusqlite::Result<()> {
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let transaction = connection.unchecked_transaction()?;
            for blob in blobs {
                if let Some(entry) = pinned.get_mut(&blob) {
                    entry.doomed = true;
                    continue;
                }
                transaction
                    .prepare_cached(
                        "DELETE FROM blob WHERE id = ?1 \
                         AND NOT EXISTS (SELECT 1 FROM message WHERE blob = ?1)",
                    )?
                    .execute([blob])?;
            }
            transaction.commit()
        };
        if let Err(error) = remove() {
            tracing::warn!(%error, "could not remove expunged messages; the next start will");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
