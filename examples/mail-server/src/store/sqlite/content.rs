//! A message on its way out.

use bytes::Bytes;
use rusqlite::{Connection, Row, params};

use super::{Answer, BlobId, MailboxId, Maybe, Sqlite, StoreError, answer, draft::CHUNK, failure};
use crate::store::Content;

pub(super) struct SqliteContent {
    store: Sqlite,
    size: u64,
    head: Bytes,
    structure: Option<Bytes>,
    pin: Pin,
}

/// While it lives the blob is not removed; afterwards it may have to be.
struct Pin {
    store: Sqlite,
    blob: BlobId,
}

impl Pin {
    fn new(store: Sqlite, blob: BlobId) -> Self {
        store.0.shared.pin(blob);
        Pin { store, blob }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let blob = self.blob;
        if self.store.0.shared.unpin(blob) {
            self.store.0.writer.later(move |_, fx| {
                fx.dropped.push(blob);
                Ok(())
            });
        }
    }
}

/// The content of a message, if it is there.
pub(super) async fn open(
    store: Sqlite,
    mailbox: MailboxId,
    uid: u32,
) -> Result<SqliteContent, StoreError> {
    let blob = store.read(move |c| blob_of(c, mailbox, uid)).await?;
    let pin = Pin::new(store.clone(), blob);
    // It may have gone before it was pinned; if it is there now it stays.
    let (size, head, structure) = store.read(move |c| row(c, blob)).await?;
    Ok(SqliteContent {
        store,
        size,
        head,
        structure,
        pin,
    })
}

fn blob_of(c: &Connection, mailbox: MailboxId, uid: u32) -> Result<BlobId, StoreError> {
    c.prepare_cached("SELECT blob FROM message WHERE mailbox = ?1 AND uid = ?2")
        .and_then(|mut s| s.query_row(params![mailbox, uid], |row| row.get(0)))
        .maybe()?
        .ok_or(StoreError::Gone)
}

fn row(c: &Connection, blob: BlobId) -> Result<(u64, Bytes, Option<Bytes>), StoreError> {
    let columns = |row: &Row<'_>| {
        let size: i64 = row.get(0)?;
        let (head, structure): (Vec<u8>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?);
        let size = u64::try_from(size).unwrap_or_default();
        Ok((size, head.into(), structure.map(Bytes::from)))
    };
    let sql = "SELECT size, head, structure FROM blob WHERE id = ?1 AND size IS NOT NULL";
    c.prepare_cached(sql)
        .and_then(|mut s| s.query_row([blob], columns))
        .maybe()?
        .ok_or(StoreError::Gone)
}

impl Content for SqliteContent {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64) -> Answer<'_, Bytes> {
        let head = self.head.len() as u64;
        if offset >= self.size {
            return answer(async { Ok(Bytes::new()) });
        }
        if offset < head {
            let rest = self.head.slice(offset as usize..);
            return answer(async move { Ok(rest) });
        }
        let (n, within) = (
            (offset - head) / CHUNK as u64,
            (offset - head) % CHUNK as u64,
        );
        let blob = self.pin.blob;
        answer(self.store.read(move |c| {
            let sql = "SELECT data FROM chunk WHERE blob = ?1 AND n = ?2";
            let data: Vec<u8> = c
                .prepare_cached(sql)
                .and_then(|mut s| s.query_row(params![blob, n as i64], |row| row.get(0)))
                .map_err(failure)?;
            let mut data = Bytes::from(data);
            if data.len() as u64 <= within {
                return Err(StoreError::Failed(
                    "a message is shorter than its size".into(),
                ));
            }
            Ok(data.split_off(within as usize))
        }))
    }

    fn structure(&self) -> Option<Bytes> {
        self.structure.clone()
    }

    fn keep_structure(&self, structure: Bytes) {
        let blob = self.pin.blob;
        self.store.0.writer.later(move |c, _| {
            c.prepare_cached("UPDATE blob SET structure = ?2 WHERE id = ?1")
                .and_then(|mut s| s.execute(params![blob, &structure[..]]))
                .map(|_| ())
                .map_err(failure)
        });
    }
}
