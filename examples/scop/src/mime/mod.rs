//! `scop mime`: what is in a message, what is odd about it, and what comes out of it.

mod gate;
mod show;

use std::path::PathBuf;

use clap::Args;
use scop_mime::DefectSet;

pub(crate) use show::{people, printable};

use crate::{
    exit::{Failure, code},
    input::Source,
    interrupt::Interrupt,
};

/// Show what is in a message: its parts and what is odd about it
///
/// Without an option: the main fields, the parts with their numbers, types, encodings,
/// places and file names, and each defect with its kind, class, rule, place, and the
/// reading that was chosen where readers differ. A message is read in pieces and not kept,
/// but for --json.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Mime {
    /// Print a JSON object, with digests of the decoded parts; offsets and lengths are in
    /// bytes of the input as given
    #[arg(long)]
    json: bool,
    /// Write the message anew, so that every reader sees the same, to standard output; what
    /// was mended is told on standard error
    #[arg(long, conflicts_with_all = ["json"])]
    sanitise: bool,
    /// Exit with 1 and the first defect if there is one of these kinds or classes; without
    /// any, of the classes ambiguity and damage. With --sanitise these are refused instead
    /// of mended
    #[arg(long, value_name = "KIND,..", num_args = 0..=1, require_equals = true,
          default_missing_value = "ambiguity,damage", value_parser = gate::kinds,
          conflicts_with_all = ["json"])]
    strict: Option<DefectSet>,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  scop mime mail.eml                        what is in it
  scop mime --json - < mail.eml             the same for programs
  scop mime --strict mail.eml               is it read the same everywhere? 0: yes, 1: no
  scop mime --strict=limit,duplicate-field mail.eml
  scop mime --sanitise mail.eml > same.eml  make it so

Classes of defects: damage, ambiguity, limit, deviation, deception; or all.
";

pub(crate) fn run(args: &Mime) -> Result<(), Failure> {
    let interrupt = Interrupt::catch()?;
    let source = Source::new(args.file.clone());
    let mut job = Job::new(args);
    source.read("reading", &interrupt, |piece| job.write(piece))?;
    job.finish()
}

/// What is done with a message as its bytes come.
enum Job {
    Show(Box<show::Show>),
    Json(Vec<u8>),
    Gate(gate::Gate),
}

impl Job {
    fn new(args: &Mime) -> Job {
        if args.sanitise || args.strict.is_some() {
            return Job::Gate(gate::Gate::new(args.sanitise, args.strict));
        }
        match args.json {
            true => Job::Json(Vec::new()),
            false => Job::Show(Box::new(show::Show::new())),
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Job::Show(show) => show.write(piece),
            Job::Json(message) => {
                message.extend_from_slice(piece);
                Ok(())
            }
            Job::Gate(gate) => gate.write(piece),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Job::Show(show) => show.finish(),
            Job::Json(message) => show::json(&message),
            Job::Gate(gate) => gate.finish(),
        }
    }
}

/// A message that is not as `--strict` wants it.
fn refused(refused: &scop_mime::Refused) -> Failure {
    Failure::new(code::DEFECT, refused)
}
