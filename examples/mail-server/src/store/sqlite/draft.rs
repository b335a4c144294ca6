//! A message on its way in: pieces of it are rows before the message is one.

use bytes::{Bytes, BytesMut};
use rusqlite::{Connection, params};

use super::{Answer, BlobId, Sqlite, StoreError, answer, failure, mailbox, message};
use crate::store::{Delivered, Delivery, Draft};

/// Bytes in a row of `chunk`; what a draft holds in memory.
pub(super) const CHUNK: usize = 256 * 1024;

pub(super) struct SqliteDraft {
    store: Sqlite,
    /// What is not in the file yet, less than a [`CHUNK`].
    held: BytesMut,
    /// What is: its row, and how many chunks.
    stored: Option<(BlobId, u32)>,
}

impl SqliteDraft {
    pub(super) fn new(store: Sqlite) -> Self {
        SqliteDraft {
            store,
            held: BytesMut::new(),
            stored: None,
        }
    }

    async fn add(&mut self, mut data: Bytes) -> Result<(), StoreError> {
        while !data.is_empty() {
            let take = data.len().min(CHUNK - self.held.len());
            let piece = data.split_to(take);
            self.held.extend_from_slice(&piece);
            if self.held.len() == CHUNK {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes a chunk. Before the message is delivered nobody sees it, so it need
    /// not be on the disk yet.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let piece = self.held.split().freeze();
        let stored = self.stored;
        let work = move |c: &Connection, _: &mut _| {
            let (blob, n) = match stored {
                Some(stored) => stored,
                None => (new_blob(c)?, 0),
            };
            add_chunk(c, blob, n, &piece)?;
            Ok((blob, n + 1))
        };
        self.stored = Some(self.store.0.writer.run_lazily(work).await?);
        Ok(())
    }
}

impl Draft for SqliteDraft {
    fn write(&mut self, data: Bytes) -> Answer<'_, ()> {
        answer(self.add(data))
    }

    fn deliver(
        mut self: Box<Self>,
        head: Bytes,
        to: Vec<Delivery>,
    ) -> Answer<'static, Vec<Delivered>> {
        answer(async move {
            let stored = self.stored;
            let rest = self.held.split().freeze();
            let work = move |c: &Connection, fx: &mut super::writer::Effects| {
                let (blob, chunks) = match stored {
                    Some(stored) => stored,
                    None => (new_blob(c)?, 0),
                };
                if !rest.is_empty() {
                    add_chunk(c, blob, chunks, &rest)?;
                }
                let size = head.len() as u64 + u64::from(chunks) * CHUNK as u64 + rest.len() as u64;
                c.prepare_cached("UPDATE blob SET size = ?2, head = ?3 WHERE id = ?1")
                    .and_then(|mut s| s.execute(params![blob, size as i64, &head[..]]))
                    .map_err(failure)?;
                let mut delivered = Vec::with_capacity(to.len());
                for copy in &to {
                    let into = mailbox::find(c, copy.user, &copy.mailbox)?;
                    delivered.push(message::add(c, into, copy, blob, size)?);
                    fx.touched.push(into);
                }
                Ok(delivered)
            };
            let delivered = self.store.0.writer.run(work).await?;
            self.stored = None; // it is no draft any more
            Ok(delivered)
        })
    }
}

impl Drop for SqliteDraft {
    fn drop(&mut self) {
        if let Some((blob, _)) = self.stored {
            self.store.0.writer.later(move |_, fx| {
                fx.dropped.push(blob);
                Ok(())
            });
        }
    }
}

fn new_blob(c: &Connection) -> Result<BlobId, StoreError> {
    c.prepare_cached("INSERT INTO blob (head) VALUES (x'') RETURNING id")
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(failure)
}

fn add_chunk(c: &Connection, blob: BlobId, n: u32, data: &[u8]) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO chunk (blob, n, data) VALUES (?1, ?2, ?3)")
        .and_then(|mut s| s.execute(params![blob, n, data]))
        .map(|_| ())
        .map_err(failure)
}
