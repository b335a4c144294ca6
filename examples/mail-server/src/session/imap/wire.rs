//! The connection under a session: what does not fit into the outbox now waits for
//! room, and what the client says meanwhile waits for its turn.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use scop_imap_proto::{
    response::{Code, Condition, Data, RespText},
    server::{Refused, Selected, Server, ServerEvent},
    types::Tag,
};
use scop_tls_adapters::{DriverError, Tls, tokio::Driver};
use tokio::net::TcpStream;

use crate::{session::Ended, store::StoreError};

pub(super) struct Wire {
    driver: Driver<Tls<Server>, TcpStream>,
    /// Came while room was waited for; the machine bounds how many.
    waiting: VecDeque<ServerEvent>,
}

/// How a command ends, where it is not done.
pub(super) enum Failed {
    /// The client is told.
    No(RespText),
    /// The client made a mistake.
    Bad(RespText),
    /// The connection is over.
    Ended(Ended),
}

impl From<Ended> for Failed {
    fn from(ended: Ended) -> Self {
        Failed::Ended(ended)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NoMailbox => Code::NonExistent,
            StoreError::Exists => Code::AlreadyExists,
            StoreError::Gone => Code::ExpungeIssued,
            StoreError::Refused(_) => Code::Cannot,
            StoreError::Full => Code::OverQuota,
            StoreError::Failed(_) => {
                tracing::error!(%error, "the store");
                // What exactly is the log's business.
                let text = RespText::new("The store failed, try again later");
                return Failed::No(text.with(Code::Unavailable));
            }
        };
        Failed::No(RespText::new(error.to_string()).with(code))
    }
}

impl Failed {
    pub(super) fn no(text: &str) -> Self {
        Failed::No(RespText::new(text))
    }

    pub(super) fn bad(text: &str) -> Self {
        Failed::Bad(RespText::new(text))
    }

    /// For APPEND, COPY and MOVE: the client may create the mailbox and try again.
    pub(super) fn try_create(error: StoreError) -> Self {
        match error {
            StoreError::NoMailbox => {
                Failed::No(RespText::new(error.to_string()).with(Code::TryCreate))
            }
            other => other.into(),
        }
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream, server: Tls<Server>) -> Self {
        Wire {
            driver: Driver::new(stream, server),
            waiting: VecDeque::new(),
        }
    }

    /// The next event; `None` when the connection is over. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<ServerEvent>, Ended> {
        match self.waiting.pop_front() {
            Some(event) => Ok(Some(event)),
            None => self.driver.next().await,
        }
    }

    /// Sends untagged data.
    pub(super) async fn put(&mut self, data: &Data) -> Result<(), Ended> {
        while let Err(refused) = self.machine().data(data) {
            self.refused(refused).await?;
        }
        Ok(())
    }

    /// Sends the next bytes of a value that [`put`](Self::put) announced.
    pub(super) async fn body(&mut self, mut data: Bytes) -> Result<(), Ended> {
        while !data.is_empty() {
            match self.machine().body(&mut data) {
                Ok(()) if data.is_empty() => {}
                Ok(()) => self.room().await?,
                Err(misuse) => self.refused(misuse.into()).await?,
            }
        }
        Ok(())
    }

    /// Says something beside the answer: `* OK [..] ..`
    pub(super) async fn say(&mut self, text: &RespText) -> Result<(), Ended> {
        while let Err(refused) = self.machine().condition(Condition::Ok, text.clone()) {
            self.refused(refused).await?;
        }
        Ok(())
    }

    async fn refused(&mut self, refused: Refused) -> Result<(), Ended> {
        match refused {
            Refused::Full => self.room().await,
            Refused::Misuse(misuse) => {
                tracing::error!(%misuse, "a response out of turn");
                Err(lost("a response out of turn"))
            }
        }
    }

    async fn room(&mut self) -> Result<(), Ended> {
        loop {
            match self.driver.next().await? {
                Some(ServerEvent::Room) => return Ok(()),
                Some(event) => self.waiting.push_back(event),
                None => return Err(lost("the client left before its answer")),
            }
        }
    }

    /// Ends a command.
    pub(super) fn done(&mut self, tag: &Tag<'_>, condition: Condition, text: RespText) {
        if let Err(misuse) = self.machine().done(tag, condition, text) {
            tracing::error!(%misuse, "a command was answered out of turn");
        }
    }

    /// Ends SELECT or EXAMINE.
    pub(super) fn selected(&mut self, tag: &Tag<'_>, selected: &Selected) {
        if let Err(misuse) = self.machine().select_done(tag, selected) {
            tracing::error!(%misuse, "a command was answered out of turn");
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.driver.machine().is_encrypted()
    }

    pub(super) fn machine(&mut self) -> &mut Server {
        self.driver.machine_mut()
    }
}

/// A connection that cannot go on.
pub(super) fn lost(why: &'static str) -> Ended {
    DriverError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, why))
}
