//! The message a command works on: a file or standard input, with the line ends
//! that mail has.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::{exit::Failure, interrupt::Interrupt, progress::Progress};

/// A message: a FILE argument, or `-` for standard input.
#[derive(Clone, Debug)]
pub(crate) struct Source(Option<PathBuf>);

impl Source {
    pub(crate) fn new(file: Option<PathBuf>) -> Source {
        Source(file.filter(|f| f != Path::new("-")))
    }

    pub(crate) fn is_stdin(&self) -> bool {
        self.0.is_none()
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Some(path) => path.display().to_string(),
            None => "standard input".to_owned(),
        }
    }

    /// The file, to be read in pieces.
    pub(crate) fn open(&self) -> Result<Box<dyn Read>, Failure> {
        match &self.0 {
            Some(path) => File::open(path)
                .map(|f| Box::new(f) as Box<dyn Read>)
                .map_err(|e| Failure::io(&self.name(), &e)),
            None => Ok(Box::new(io::stdin().lock())),
        }
    }

    /// All of it as it is, piece by piece.
    pub(crate) fn read(
        &self,
        what: &'static str,
        interrupt: &Interrupt,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let total = self.0.as_ref().and_then(|path| path.metadata().ok());
        let mut progress = Progress::new(what, total.map(|t| t.len()));
        let mut file = self.open()?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            interrupt.check()?;
            let n = match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Failure::io(&self.name(), &e)),
            };
            take(&buffer[..n])?;
            progress.add(n);
        }
    }

    /// It in pieces, with CRLF line ends.
    pub(crate) fn pieces(&self) -> Result<Pieces, Failure> {
        Ok(Pieces {
            name: self.name(),
            file: self.open()?,
            buffer: vec![0; 64 * 1024],
            crlf: ToCrlf::default(),
        })
    }

    /// How long it is with CRLF line ends, and whether it is all ASCII; `None` for
    /// standard input, which can be read only once.
    pub(crate) fn survey(&self) -> Result<Option<Survey>, Failure> {
        if self.0.is_none() {
            return Ok(None);
        }
        let mut survey = Survey {
            size: 0,
            ascii: true,
        };
        let mut pieces = self.pieces()?;
        while let Some(piece) = pieces.next()? {
            survey.size += piece.len() as u64;
            survey.ascii &= piece.is_ascii();
        }
        Ok(Some(survey))
    }
}

/// What there is to know of a message before it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survey {
    pub(crate) size: u64,
    pub(crate) ascii: bool,
}

/// A message in pieces.
pub(crate) struct Pieces {
    name: String,
    file: Box<dyn Read>,
    buffer: Vec<u8>,
    crlf: ToCrlf,
}

impl Pieces {
    /// The next piece, not empty; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(n) => {
                    let mut out = Vec::new();
                    let piece = self.crlf.convert(&self.buffer[..n], &mut out);
                    return Ok(Some(Bytes::copy_from_slice(piece)));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Failure::io(&self.name, &e)),
            }
        }
    }

    /// The line ends it had, as far as it was read.
    pub(crate) fn line_ends(&self) -> LineEnds {
        self.crlf.ends.unwrap_or(LineEnds::Crlf)
    }
}

/// Which line ends a message file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnds {
    /// As mail travels.
    Crlf,
    /// As Unix keeps text.
    Lf,
}

/// Turns a file with the line ends of Unix into one with those of mail. The first
/// line decides: a message that begins with CRLF is left as it is to the last byte,
/// a stray LF included.
#[derive(Debug, Default)]
struct ToCrlf {
    ends: Option<LineEnds>,
    last: u8,
}

impl ToCrlf {
    /// The next piece, converted; `out` is room for it.
    fn convert<'a>(&mut self, piece: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        if self.ends.is_none()
            && let Some(at) = piece.iter().position(|&b| b == b'\n')
        {
            let before = at.checked_sub(1).map_or(self.last, |i| piece[i]);
            let crlf = before == b'\r';
            self.ends = Some(if crlf { LineEnds::Crlf } else { LineEnds::Lf });
        }
        let before = self.last;
        self.last = piece.last().copied().unwrap_or(before);
        if self.ends != Some(LineEnds::Lf) {
            return piece;
        }
        out.clear();
        let mut last = before;
        for &b in piece {
            if b == b'\n' && last != b'\r' {
                out.push(b'\r');
            }
            out.push(b);
            last = b;
        }
        out
    }
}

/// Standard output, whole: what was written and could not be is an error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = out.write_all(bytes).and_then(|()| out.flush());
    done.map_err(|e| Failure::io("standard output", &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(pieces: &[&str]) -> String {
        let (mut crlf, mut out, mut all) = (ToCrlf::default(), Vec::new(), Vec::new());
        for piece in pieces {
            all.extend_from_slice(crlf.convert(piece.as_bytes(), &mut out));
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn the_first_line_decides() {
        assert_eq!(convert(&["a\nb\r\nc\n"]), "a\r\nb\r\nc\r\n");
        assert_eq!(convert(&["a", "\n", "\r", "\n\n"]), "a\r\n\r\n\r\n");
        assert_eq!(convert(&["a\r", "\nb\nc\r\n"]), "a\r\nb\nc\r\n");
        assert_eq!(convert(&["no line end"]), "no line end");
        assert_eq!(convert(&["\n"]), "\r\n");
    }
}
