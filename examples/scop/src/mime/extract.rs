//! `scop mime --extract`: attachments become files, under names that are safe.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use scop_mime::{Attachment, AttachmentEnd, DefectClass, Extract as Event, Extractor, Limits};

use super::{gate::described, show::printable};
use crate::{
    exit::{Failure, code},
    input::print,
};

/// Files of one name are numbered up to here.
const MOST: u32 = 10_000;

/// The attachments of one message, as it passes by.
pub(super) struct Extract {
    extractor: Extractor,
    files: Files,
}

/// Where they go.
struct Files {
    folder: PathBuf,
    open: Option<Open>,
    written: u32,
}

/// A file that is being written. If it does not get to its end it is removed.
struct Open {
    path: PathBuf,
    file: File,
    about: Box<Attachment>,
    done: bool,
}

impl Extract {
    pub(super) fn new(folder: PathBuf, all: bool) -> Extract {
        let extractor = Extractor::new(Limits::default());
        Extract {
            extractor: match all {
                true => extractor.every_part(),
                false => extractor,
            },
            files: Files {
                folder,
                open: None,
                written: 0,
            },
        }
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let mut input = piece;
        while let Some(event) = self.extractor.read(&mut input) {
            self.files.take(event)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.extractor.finish();
        self.write(&[])?;
        if self.files.written == 0 {
            crate::exit::tell("scop: there is no attachment; --all writes texts too");
        }
        Ok(())
    }
}

impl Files {
    fn take(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::Start(about) => self.open = Some(Open::new(&self.folder, about)?),
            Event::Data(data) => {
                if let Some(open) = &mut self.open {
                    let done = open.file.write_all(data);
                    done.map_err(|e| Failure::io(&open.path.display().to_string(), &e))?;
                }
            }
            Event::End(end) => {
                if let Some(mut open) = self.open.take() {
                    open.done = true;
                    self.written += 1;
                    print(open.told(&end).as_bytes())?;
                }
            }
            // What nobody reads otherwise changes nothing here.
            Event::Defect(defect) if defect.kind.class() == DefectClass::Deviation => {}
            Event::Defect(defect) => crate::exit::tell(described(&defect)),
        }
        Ok(())
    }
}

impl Open {
    fn new(folder: &Path, about: Box<Attachment>) -> Result<Open, Failure> {
        let failed =
            |path: &Path, e| Failure::io(&path.display().to_string(), &e).with_code(code::IO);
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        for number in 1..=MOST {
            let path = folder.join(numbered(&about.name, number));
            // Neither a file nor a link that is there is ever followed or written over.
            match File::create_new(&path) {
                Ok(file) => {
                    return Ok(Open {
                        path,
                        file,
                        about,
                        done: false,
                    });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(&path, e)),
            }
        }
        Err(Failure::new(
            code::IO,
            format_args!(
                "{}: there are {MOST} of that name",
                folder.join(&about.name).display()
            ),
        ))
    }

    /// What is said of it when it is there.
    fn told(&self, end: &AttachmentEnd) -> String {
        let Attachment {
            id,
            filename,
            content_type,
            ..
        } = &*self.about;
        let mut told = format!(
            "{}: part {}, {}, {} bytes",
            self.path.display(),
            id,
            printable(content_type.essence()),
            end.octets
        );
        let own = self.path.file_name().and_then(|name| name.to_str());
        if let Some(name) = filename.as_deref().filter(|name| Some(*name) != own) {
            told += &format!(", the sender's name: \"{}\"", printable(name));
        }
        told.push('\n');
        for defect in &end.defects {
            told += &format!("  {}\n", described(defect));
        }
        told
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `a.png`, `a (2).png`, `a (3).png`.
fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_before_the_extension() {
        assert_eq!(numbered("a.png", 1), "a.png");
        assert_eq!(numbered("a.tar.gz", 2), "a.tar (2).gz");
        assert_eq!(numbered("README", 3), "README (3)");
        assert_eq!(numbered(".x", 2), ".x (2)");
    }
}
