//! A mail server on scop's machines: SMTP, submission and IMAP over one SQLite file.
//!
//! ```text
//!            server: listeners, caps, signals
//!               |
//!            session: one task per connection
//!     smtp: incoming, trace       imap: view, fetch, search ..
//!          |          |                  |
//!   scop-smtp-proto  scop-dkim    scop-imap-proto, scop-mime     (no I/O in any of these)
//!          |          |                  |
//!        Tls<..> and the tokio driver of scop-tls-adapters
//!               |
//!            store: the trait; sqlite: the file
//! ```

mod accounts;
mod banner;
mod certificate;
mod exit;
mod house;
mod options;
mod server;
mod session;
mod store;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::{
    exit::{Failure, SOFTWARE},
    options::Asked,
};

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os()) {
        Ok(Asked::Serve(options)) => *options,
        Ok(Asked::Print(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(failure) => return failure.report(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return Failure::new(SOFTWARE, format!("cannot start: {e}")).report(),
    };
    let outcome = runtime.block_on(server::run(options));
    // Sessions that did not finish in time are not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
