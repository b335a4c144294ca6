//! `scop`: the command-line tool. Send mail, read mailboxes, look into messages,
//! sign and verify. Every protocol it speaks is one of this project's machines.

mod arc;
mod auth;
mod connect;
mod dkim;
mod dmarc;
mod dns;
mod elsewhere;
mod exit;
mod input;
mod interrupt;
mod mailbox;
mod mime;
mod progress;
mod report;
mod send;
mod spf;
mod trace;

use clap::{Parser, Subcommand};
use exit::code;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Send mail, read mailboxes, look into messages, sign and verify.
///
/// Exit codes are those of sysexits.h: 0 all went well, 64 wrong usage, 65 bad
/// data, 66 no such input, 68 host unknown, 69 service unavailable, 74 input or
/// output failed, 75 try again later, 76 the peer broke the protocol, 77 not
/// permitted, 78 bad configuration. Beside those: 1 `mime --strict` found a defect, 130
/// interrupted.
#[derive(Parser)]
#[command(name = "scop", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send a message
    Send(send::Send),
    /// Look into mailboxes on an IMAP server
    #[command(subcommand)]
    Mailbox(mailbox::Command),
    Mime(mime::Mime),
    /// Sign and verify DKIM signatures, make keys
    #[command(subcommand)]
    Dkim(dkim::Command),
    /// Check whether hosts may send for domains
    #[command(subcommand)]
    Spf(spf::Command),
    /// Check domains in From against their policies
    #[command(subcommand)]
    Dmarc(dmarc::Command),
    Auth(auth::Auth),
    /// Seal and validate chains of those who handled a message (ARC)
    #[command(subcommand)]
    Arc(arc::Command),
    /// Show reports
    #[command(subcommand)]
    Report(report::Command),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, and are no error.
            let failed = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if failed { code::USAGE } else { code::OK });
        }
    };
    let done = match cli.command {
        Command::Send(args) => send::run(&args),
        Command::Mailbox(command) => mailbox::run(command),
        Command::Mime(args) => mime::run(&args),
        Command::Dkim(command) => dkim::run(command),
        Command::Spf(command) => spf::run(command),
        Command::Dmarc(command) => dmarc::run(command),
        Command::Auth(args) => auth::run(&args),
        Command::Arc(command) => arc::run(command),
        Command::Report(command) => report::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Seconds since 1970.
fn now() -> Result<u64, exit::Failure> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since =
        since.map_err(|_| exit::Failure::new(code::CONFIG, "the clock stands before 1970"))?;
    Ok(since.as_secs())
}
