//! `scop mime`: what is in a message, what is odd about it, and what comes out of it.

mod extract;
mod gate;
mod show;
mod winmail;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use scop_mime::{
    DefectSet,
    mbox::{MboxEvent, MboxReader, Quoting},
};

pub(crate) use show::{people, printable};

use crate::{
    exit::Failure,
    input::{Source, print},
    interrupt::Interrupt,
};

/// Show what is in a message: its parts and what is odd about it
///
/// Without an option: the main fields, the parts with their numbers, types, encodings,
/// places and file names (those in a winmail.dat too), and each defect with its kind, class, rule, place, and the
/// reading that was chosen where readers differ. A message is read in pieces and not kept,
/// but for --json.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Mime {
    /// Print a JSON object, with digests of the decoded parts; offsets and lengths are in
    /// bytes of the input as given
    #[arg(long)]
    json: bool,
    /// Write the attachments into this folder, which is made if it is not there: under names
    /// without a path of the sender's, never over a file that is there; tells each
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "sanitise", "strict"])]
    extract: Option<PathBuf>,
    /// With --extract: write every part that is no multipart, texts too
    #[arg(long, requires = "extract")]
    all: bool,
    /// The file is an mbox: take each of its messages; with --extract into a folder of its
    /// number, with --json one object a line. QUOTING says what `>From ` lines are: mboxrd
    /// (the default), mboxo or none
    #[arg(long, value_name = "QUOTING", num_args = 0..=1, require_equals = true,
          default_missing_value = "mboxrd", conflicts_with = "sanitise")]
    mbox: Option<Quotes>,
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

/// How an mbox has its `From ` lines.
#[derive(Clone, Copy, ValueEnum)]
enum Quotes {
    /// Each has one `>` more.
    Mboxrd,
    /// `From ` has a `>`, and `>From ` none more.
    Mboxo,
    /// Nothing is quoted.
    None,
}

const EXAMPLES: &str = "\
Examples:
  scop mime mail.eml                        what is in it
  scop mime --json - < mail.eml             the same for programs
  scop mime --extract photos mail.eml       its attachments, as files
  scop mime --extract all --all --mbox archive.mbox
  scop mime --strict mail.eml               is it read the same everywhere? 0: yes, 1: no
  scop mime --strict=limit,duplicate-field mail.eml
  scop mime --sanitise mail.eml > same.eml  make it so

Classes of defects: damage, ambiguity, limit, deviation, deception; or all.
";

pub(crate) fn run(args: &Mime) -> Result<(), Failure> {
    let interrupt = Interrupt::catch()?;
    let source = Source::new(args.file.clone());
    if let Some(quotes) = args.mbox {
        return each(args, quotes, &source, &interrupt);
    }
    let mut job = Job::new(args, None);
    source.read("reading", &interrupt, |piece| job.write(piece))?;
    job.finish()
}

/// Each message of an mbox.
fn each(
    args: &Mime,
    quotes: Quotes,
    source: &Source,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let mut reader = MboxReader::new(match quotes {
        Quotes::Mboxrd => Quoting::Mboxrd,
        Quotes::Mboxo => Quoting::Mboxo,
        Quotes::None => Quoting::None,
    });
    let (mut number, mut job) = (0, None);
    let mut take = |event: MboxEvent<'_>| match event {
        MboxEvent::Start(separator) => {
            number += 1;
            if args.shows() {
                let separator = String::from_utf8_lossy(separator);
                let title = format!("Message {number}: {}\n", printable(separator.trim_end()));
                print(title.as_bytes())?;
            }
            job = Some(Job::new(args, Some(number)));
            Ok(())
        }
        MboxEvent::Data(data) => job.as_mut().map_or(Ok(()), |job| job.write(data)),
        MboxEvent::End => {
            let done = job.take().map_or(Ok(()), Job::finish);
            if args.shows() {
                print(b"\n")?;
            }
            done
        }
    };
    source.read("reading", interrupt, |mut piece| {
        while let Some(event) = reader.read(&mut piece) {
            take(event)?;
        }
        Ok(())
    })?;
    reader.finish();
    while let Some(event) = reader.read(&mut &[][..]) {
        take(event)?;
    }
    Ok(())
}

impl Mime {
    /// What is in messages is shown to people.
    fn shows(&self) -> bool {
        !self.json && !self.sanitise && self.strict.is_none() && self.extract.is_none()
    }
}

/// What is done with a message as its bytes come.
enum Job {
    Show(Box<show::Show>),
    Json(Vec<u8>),
    Extract(Box<extract::Extract>),
    Gate(gate::Gate),
}

impl Job {
    /// `number`: which message of an mbox it is.
    fn new(args: &Mime, number: Option<u64>) -> Job {
        if let Some(folder) = &args.extract {
            let folder = match number {
                Some(number) => folder.join(number.to_string()),
                None => folder.clone(),
            };
            return Job::Extract(Box::new(extract::Extract::new(folder, args.all)));
        }
        if args.sanitise || args.strict.is_some() {
            return Job::Gate(gate::Gate::new(args.sanitise, args.strict, number));
        }
        match args.json {
            true => Job::Json(Vec::new()),
            false => Job::Show(Box::new(show::Show::new())),
        }
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Job::Show(show) => show.write(piece),
            Job::Json(message) => message.extend_from_slice(piece),
            Job::Extract(extract) => extract.write(piece)?,
            Job::Gate(gate) => gate.write(piece)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Job::Show(show) => show.finish(),
            Job::Json(message) => show::json(&message),
            Job::Extract(extract) => extract.finish(),
            Job::Gate(gate) => gate.finish(),
        }
    }
}
