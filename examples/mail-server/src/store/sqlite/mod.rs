//! The [`Store`] in one SQLite file: `schema.sql` says what is where.

mod content;
mod draft;
mod file;
mod mailbox;
mod message;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    future::Future,
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, params,
    types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use tokio::{
    sync::{Semaphore, watch},
    task,
};

use super::{
    Answer, Changes, Content, Copied, Destination, Draft, FlagChange, Listed, MailboxId,
    MailboxName, Message, Opened, PasswordHash, Status, Store, StoreError, UidSet, User, UserId,
};
use file::Directory;
pub(crate) use file::OpenError;
use writer::{Shared, Writer};

/// Reads at the same time; the disk has no use for more.
const READERS: usize = 4;

/// A message's bytes in the file; copies share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct BlobId(i64);

/// One data directory. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Sqlite(Arc<Inner>);

struct Inner {
    writer: Writer,
    shared: Arc<Shared>,
    readers: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    directory: Directory,
}

impl Sqlite {
    /// Opens the directory, or makes it. `max_pages`: the file does not grow past
    /// that many pages of 4096 bytes; messages that do not fit find it full.
    pub(crate) fn open(path: &Path, max_pages: Option<NonZeroU32>) -> Result<Self, OpenError> {
        let directory = Directory::open(path)?;
        let failed = |error: rusqlite::Error| OpenError::Damaged {
            path: directory.file.clone(),
            what: error.to_string(),
        };
        let connection = directory.connect().map_err(failed)?;
        if let Some(pages) = max_pages {
            let set = |row: &Row<'_>| row.get::<_, i64>(0);
            let sql = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&sql, [], set).map_err(failed)?;
        }
        // What a start before this one left half done.
        let tidy = connection.execute_batch(
            "BEGIN IMMEDIATE; DELETE FROM vanished; \
             DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM message WHERE blob = blob.id); \
             COMMIT;",
        );
        if let Err(error) = tidy {
            // On a full disk mail can still be read, and deleted to make room.
            tracing::warn!(%error, "could not tidy up");
            let _ = connection.execute_batch("ROLLBACK");
        }
        let shared = Arc::new(Shared::default());
        let writer =
            Writer::start(connection, Arc::clone(&shared)).map_err(|error| OpenError::Io {
                path: directory.file.clone(),
                error,
            })?;
        Ok(Sqlite(Arc::new(Inner {
            writer,
            shared,
            readers: Arc::new(Semaphore::new(READERS)),
            idle: Mutex::new(Vec::new()),
            directory,
        })))
    }

    /// Runs `work` on a thread that may wait for the disk, seeing one state of the
    /// store from first to last.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.0.readers).acquire_owned().await;
        let permit = permit.map_err(|e| StoreError::Failed(e.to_string()))?;
        let inner = Arc::clone(&self.0);
        let ran = task::spawn_blocking(move || {
            let idle = || inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = idle().pop();
            let connection = match taken {
                Some(connection) => connection,
                None => inner.directory.connect().map_err(failure)?,
            };
            let outcome = connection
                .unchecked_transaction()
                .map_err(failure)
                .and_then(|snapshot| {
                    let outcome = work(&snapshot);
                    snapshot.commit().map_err(failure)?;
                    outcome
                });
            idle().push(connection);
            drop(permit);
            outcome
        });
        ran.await.map_err(|e| StoreError::Failed(e.to_string()))?
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sqlite").field(&self.0.directory).finish()
    }
}

fn answer<'a, T>(work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Answer<'a, T> {
    Box::pin(work)
}

impl Store for Sqlite {
    fn users(&self) -> Answer<'_, Vec<User>> {
        answer(self.read(users))
    }

    fn set_user(&self, name: String, password: PasswordHash) -> Answer<'_, UserId> {
        let work = move |c: &Connection, _: &mut _| set_user(c, &name, &password);
        answer(self.0.writer.run(work))
    }

    fn mailboxes(&self, user: UserId) -> Answer<'_, Vec<Listed>> {
        answer(self.read(move |c| mailbox::list(c, user)))
    }

    fn create(&self, user: UserId, name: MailboxName) -> Answer<'_, ()> {
        let work = move |c: &Connection, _: &mut _| mailbox::create(c, user, &name);
        answer(self.0.writer.run(work))
    }

    fn delete(&self, user: UserId, name: MailboxName) -> Answer<'_, ()> {
        let work = move |c: &Connection, fx: &mut _| mailbox::delete(c, fx, user, &name);
        answer(self.0.writer.run(work))
    }

    fn rename(&self, user: UserId, from: MailboxName, to: MailboxName) -> Answer<'_, ()> {
        let work = move |c: &Connection, fx: &mut _| mailbox::rename(c, fx, user, &from, &to);
        answer(self.0.writer.run(work))
    }

    fn subscribe(&self, user: UserId, name: MailboxName, on: bool) -> Answer<'_, ()> {
        let work = move |c: &Connection, _: &mut _| mailbox::subscribe(c, user, &name, on);
        answer(self.0.writer.run(work))
    }

    fn status(&self, user: UserId, name: MailboxName) -> Answer<'_, Status> {
        answer(self.read(move |c| mailbox::status(c, user, &name)))
    }

    fn open(&self, user: UserId, name: MailboxName, claim: bool) -> Answer<'_, Opened> {
        answer(async move {
            let claimed = if claim {
                let name = name.clone();
                let work = move |c: &Connection, _: &mut _| {
                    let id = mailbox::find(c, user, &name)?;
                    mailbox::claim(c, id)
                };
                Some(self.0.writer.run_lazily(work).await?)
            } else {
                None
            };
            self.read(move |c| mailbox::open(c, user, &name, claimed))
                .await
        })
    }

    fn draft(&self) -> Box<dyn Draft> {
        Box::new(draft::SqliteDraft::new(self.clone()))
    }

    fn messages(&self, of: MailboxId, uids: UidSet, limit: usize) -> Answer<'_, Vec<Message>> {
        answer(self.read(move |c| message::list(c, of, &uids, limit)))
    }

    fn changes(&self, of: MailboxId, modseq: u64, claim: bool) -> Answer<'_, Changes> {
        answer(async move {
            let changes = self.read(move |c| message::changes(c, of, modseq)).await?;
            // Only who sees new mail needs to claim it: no write for a mere poll.
            if !claim || changes.recent_from >= changes.uid_next {
                return Ok(changes);
            }
            let claimed = self.0.writer.run_lazily(move |c, _| mailbox::claim(c, of));
            let recent_from = claimed.await?;
            Ok(Changes {
                recent_from,
                ..changes
            })
        })
    }

    fn content(&self, of: MailboxId, uid: u32) -> Answer<'_, Box<dyn Content>> {
        let store = self.clone();
        answer(async move {
            let content = content::open(store, of, uid).await?;
            Ok(Box::new(content) as Box<dyn Content>)
        })
    }

    fn flag(&self, of: MailboxId, uids: UidSet, change: FlagChange) -> Answer<'_, Vec<Message>> {
        let work = move |c: &Connection, fx: &mut _| message::flag(c, fx, of, &uids, &change);
        answer(self.0.writer.run(work))
    }

    fn expunge(&self, of: MailboxId, uids: Option<UidSet>) -> Answer<'_, Vec<u32>> {
        let work = move |c: &Connection, fx: &mut _| message::expunge(c, fx, of, uids.as_deref());
        answer(self.0.writer.run(work))
    }

    fn copy(&self, of: MailboxId, uids: UidSet, to: Destination) -> Answer<'_, Copied> {
        let work = move |c: &Connection, fx: &mut _| message::copy(c, fx, of, &uids, &to);
        answer(self.0.writer.run(work))
    }

    fn watch(&self, mailbox: MailboxId) -> watch::Receiver<()> {
        self.0.shared.watch(mailbox)
    }

    fn close(&self) -> Answer<'_, ()> {
        answer(async {
            // Behind everything that waits; then the log is moved into the file.
            self.0.writer.run(|_, _| Ok(())).await?;
            let inner = Arc::clone(&self.0);
            let checkpoint = task::spawn_blocking(move || {
                inner
                    .idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clear();
                let connection = inner.directory.connect()?;
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            });
            let done = checkpoint
                .await
                .map_err(|e| StoreError::Failed(e.to_string()))?;
            done.map_err(failure)
        })
    }
}

fn users(connection: &Connection) -> Result<Vec<User>, StoreError> {
    let sql = "SELECT id, name, iterations, salt, hash FROM user ORDER BY id";
    let mut statement = connection.prepare(sql).map_err(failure)?;
    let user = |row: &Row<'_>| {
        Ok(User {
            id: row.get(0)?,
            name: row.get(1)?,
            password: PasswordHash {
                iterations: row.get(2)?,
                salt: row.get(3)?,
                hash: row.get(4)?,
            },
        })
    };
    let rows = statement.query_map([], user).map_err(failure)?;
    rows.collect::<Result<_, _>>().map_err(failure)
}

fn set_user(c: &Connection, name: &str, password: &PasswordHash) -> Result<UserId, StoreError> {
    let id: UserId = c
        .query_row(
            "INSERT INTO user (name, iterations, salt, hash) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (name) DO UPDATE \
             SET iterations = excluded.iterations, salt = excluded.salt, hash = excluded.hash \
             RETURNING id",
            params![name, password.iterations, password.salt, password.hash],
            |row| row.get(0),
        )
        .map_err(failure)?;
    let inbox = MailboxName::inbox();
    match mailbox::find(c, id, &inbox) {
        Err(StoreError::NoMailbox) => {
            mailbox::create(c, id, &inbox)?;
            mailbox::subscribe(c, id, &inbox, true)?;
        }
        other => drop(other?),
    }
    Ok(id)
}

/// What SQLite's errors mean to the sessions.
fn failure(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        _ => StoreError::Failed(error.to_string()),
    }
}

/// A row, or none.
trait Maybe<T> {
    fn maybe(self) -> Result<Option<T>, StoreError>;
}

impl<T> Maybe<T> for rusqlite::Result<T> {
    fn maybe(self) -> Result<Option<T>, StoreError> {
        self.optional().map_err(failure)
    }
}

macro_rules! row_id {
    ($($id:ident),*) => { $(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }
        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map($id)
            }
        }
    )* };
}
row_id!(UserId, MailboxId, BlobId);
