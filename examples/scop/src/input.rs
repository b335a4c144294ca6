//! The message a command works on: a file or standard input, with the line ends
//! that mail has.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::exit::Failure;

/// A message: a FILE argument, or `-` for standard input.
#[derive(Clone, Debug)]
pub(crate) struct Source(Option<PathBuf>);

impl Source {
    pub(crate) fn new(file: Option<PathBuf>) -> Source {
        Source(file.filter(|f| f != Path::new("-")))
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

    /// All of it, as it is.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        match self.open()?.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) => Err(Failure::io(&self.name(), &e)),
        }
    }

    /// Feeds it to `sink` in pieces, with CRLF line ends. Gives the line ends it
    /// had.
    pub(crate) fn each_piece(
        &self,
        mut sink: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<LineEnds, Failure> {
        let mut file = self.open()?;
        let mut buffer = vec![0; 64 * 1024];
        let mut crlf = ToCrlf::default();
        let mut out = Vec::new();
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(crlf.ends.unwrap_or(LineEnds::Crlf)),
                Ok(n) => sink(crlf.convert(&buffer[..n], &mut out))?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Failure::io(&self.name(), &e)),
            }
        }
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
pub(crate) struct ToCrlf {
    ends: Option<LineEnds>,
    last: u8,
}

impl ToCrlf {
    /// The next piece, converted; `out` is room for it.
    pub(crate) fn convert<'a>(&mut self, piece: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
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
