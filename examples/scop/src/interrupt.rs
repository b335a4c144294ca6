//! Ctrl-C during long work: it ends between two pieces, with nothing half done left.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::exit::{Failure, code};

/// Whether somebody wants it to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on the first Ctrl-C is only noted. The second ends everything at once.
    pub(crate) fn catch() -> Result<Interrupt, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(|e| Failure::io("signals", &e))?;
        let noted = Arc::clone(&flag);
        thread::spawn(move || {
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_err() {
                    return;
                }
                noted.store(true, Ordering::Relaxed);
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(code::INTERRUPTED.into());
                }
            });
        });
        Ok(Interrupt(flag))
    }

    /// An error once it was pressed.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Failure::new(code::INTERRUPTED, "interrupted")),
            false => Ok(()),
        }
    }
}
