//! What all sessions share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use scop_dkim::{AuthservIds, Signers};
use scop_tls_adapters as tls;
use tokio::sync::watch;

use crate::{accounts::Accounts, session::Checking, store::Store};

/// One of these serves all connections.
pub(crate) struct House {
    /// Lower case.
    pub(crate) domain: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) accounts: Accounts,
    /// The names in which results are written here.
    pub(crate) ours: Arc<AuthservIds>,
    /// What is done about strangers.
    pub(crate) checking: Arc<Checking>,
    /// Signs what users submit.
    pub(crate) signers: Option<Signers>,
    pub(crate) mx: Arc<scop_smtp_proto::ServerConfig>,
    pub(crate) submission: Arc<scop_smtp_proto::ServerConfig>,
    pub(crate) imap: Arc<scop_imap_proto::server::ServerConfig>,
    pub(crate) smtp_tls: tls::ServerConfig,
    pub(crate) imap_tls: tls::ServerConfig,
    /// Becomes true when the server is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) messages: AtomicU64,
}

impl House {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| d.as_secs())
    }

    /// A name for a message that no other one here has: the time in microseconds,
    /// and a count for those of one moment.
    pub(crate) fn message_id(&self) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = since.map_or(0, |d| d.as_micros());
        let n = self.messages.fetch_add(1, Ordering::Relaxed);
        format!("{micros:x}.{n:x}")
    }
}

/// Returns when the server is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
