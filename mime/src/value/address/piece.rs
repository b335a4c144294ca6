//! What an entry of a list is made of, and how the pieces make names and addresses.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Addresses, Mailbox, is_atext, is_dot_atom};
use crate::DefectKind;
use crate::value::lex::{is_space, unescape, unfold};
use crate::value::note::Notes;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Quoted,
    /// `[192.0.2.1]`, or a bracket in a name.
    Literal,
    At,
    Comma,
    /// A character that only a name can have, and only in quotes.
    Stray,
}

/// A piece of a phrase or an address.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) text: Cow<'a, [u8]>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Addresses<'a> {
    /// The pieces as an address.
    pub(super) fn spec(
        &self,
        pieces: &[Piece<'a>],
        start: usize,
        notes: &mut Notes<'_>,
    ) -> Mailbox<'a> {
        let at = pieces.iter().rposition(|p| p.kind == Kind::At);
        let local = pieces.get(..at.unwrap_or(pieces.len())).unwrap_or_default();
        // Behind a domain there may be text, and a domain has no quotes and no encoded word
        // with such characters in it.
        let odd = |p: &Piece<'_>| {
            let special = |b: &u8| is_special(*b) || is_space(*b);
            p.kind == Kind::Quoted || p.kind == Kind::Word && p.text.iter().any(special)
        };
        let domain = at.map(|at| {
            let rest = pieces.get(at..).unwrap_or_default();
            let ends = |p: &[Piece<'_>]| !self.pair_joins(p) || p.last().is_some_and(odd);
            let length = rest.windows(2).position(ends);
            let length = length.map_or(rest.len(), |l| l + 1);
            rest.get(1..length).unwrap_or_default()
        });
        let whole = domain.map_or(local.len(), |d| local.len() + 1 + d.len());
        let whole = pieces.get(..whole).unwrap_or_default();
        let mailbox = match self.together(whole, false) {
            Some(spec) => Mailbox {
                at: local.iter().map(|p| p.text.len()).sum(),
                spec: Cow::Borrowed(spec).into(),
                ..Mailbox::default()
            },
            None => {
                let mut spec = self.join(local, true).into_owned();
                let at = spec.len();
                if let Some(domain) = domain {
                    spec.push(b'@');
                    spec.extend_from_slice(&self.join(domain, false));
                }
                Mailbox {
                    at,
                    spec: Cow::<[u8]>::Owned(spec).into(),
                    ..Mailbox::default()
                }
            }
        };
        if notes.wanted() {
            self.note_spec(pieces, &mailbox, whole.len(), start, notes);
        }
        mailbox
    }

    fn note_spec(
        &self,
        pieces: &[Piece<'a>],
        mailbox: &Mailbox<'a>,
        whole: usize,
        start: usize,
        notes: &mut Notes<'_>,
    ) {
        let (local, domain) = (mailbox.local(), mailbox.domain());
        let ats = pieces.iter().filter(|p| p.kind == Kind::At);
        let quoted = pieces.iter().any(|p| p.kind == Kind::Quoted);
        let kind = match domain {
            None if local.is_empty() => DefectKind::EmptyAddress,
            None => DefectKind::NakedLocalPart,
            _ if ats.count() > 1 => DefectKind::SeveralAt,
            _ if whole < pieces.len() || pieces.windows(2).any(|p| !self.pair_joins(p)) => {
                DefectKind::SpaceInAddress
            }
            _ if mailbox.spec.windows(2).any(|w| w == b"=?") => DefectKind::EncodedWordInAddress,
            Some(domain)
                if !(quoted || is_dot_atom(local))
                    || !(domain.first() == Some(&b'[') && domain.last() == Some(&b']')
                        || is_dot_atom(domain)) =>
            {
                DefectKind::IllFormedAddress
            }
            _ if pieces.windows(2).any(|p| !self.touch(p)) => DefectKind::ObsoleteAddress,
            _ => return,
        };
        notes.add(kind, pieces.first().map_or(start, |p| p.start));
    }

    /// What only quotes allow in a name.
    pub(super) fn note_name(&self, name: &[Piece<'a>], notes: &mut Notes<'_>) {
        if !notes.wanted() {
            return;
        }
        for piece in name {
            let dotted = || piece.text.iter().all(|b| is_atext(*b) || *b == b'.');
            let kind = match piece.kind {
                Kind::Quoted if piece.text.windows(2).any(|w| w == b"=?") => {
                    DefectKind::EncodedWordInQuotes
                }
                Kind::Word if piece.text.iter().all(|b| is_atext(*b)) => continue,
                Kind::Word if dotted() => DefectKind::UnquotedDot,
                Kind::Word | Kind::Literal | Kind::Stray | Kind::At => DefectKind::UnquotedSpecial,
                _ => continue,
            };
            notes.add(kind, piece.start);
        }
    }

    /// Nothing lies between two pieces.
    fn touch(&self, pair: &[Piece<'a>]) -> bool {
        match pair {
            [a, b] => self.gap(a, b).is_empty(),
            _ => true,
        }
    }

    /// What lies between two pieces.
    fn gap(&self, a: &Piece<'_>, b: &Piece<'_>) -> &'a [u8] {
        self.value.get(a.end..b.start).unwrap_or_default()
    }

    /// Whether two pieces belong to the same address: RFC 5322 4.4 allows space
    /// around dots and `@` alone.
    pub(super) fn joins(&self, a: &Piece<'_>, b: &Piece<'_>) -> bool {
        let dotted = a.kind != Kind::Quoted && a.text.last() == Some(&b'.')
            || b.kind != Kind::Quoted && b.text.first() == Some(&b'.');
        match (a.kind, b.kind) {
            // A domain has no quotes, and nothing has a comma without them.
            (Kind::At, Kind::Quoted) | (Kind::Comma, _) | (_, Kind::Comma) => false,
            (Kind::At, _) | (_, Kind::At) => true,
            (Kind::Quoted, _) | (_, Kind::Quoted) => dotted,
            _ => dotted || self.gap(a, b).is_empty(),
        }
    }

    pub(super) fn pair_joins(&self, pair: &[Piece<'_>]) -> bool {
        let [a, b] = pair else { return true };
        self.joins(a, b)
    }

    /// The bytes of the pieces where they lie together in the value as they are.
    fn together(&self, pieces: &[Piece<'a>], phrase: bool) -> Option<&'a [u8]> {
        let (first, last) = (pieces.first()?, pieces.last()?);
        let together = pieces.windows(2).all(|p| match p {
            [a, b] => match self.gap(a, b) {
                [] => phrase || !(a.kind == Kind::Quoted || b.kind == Kind::Quoted),
                [b' '] => phrase,
                _ => false,
            },
            _ => true,
        });
        let plain = pieces.iter().all(|p| {
            !matches!(p.kind, Kind::Quoted | Kind::Stray) || phrase && p.kind == Kind::Stray
        }) && pieces.iter().all(|p| p.text.len() == p.end - p.start);
        (together && plain).then(|| self.value.get(first.start..last.end).unwrap_or_default())
    }

    /// A name: one space wherever there was white space or a comment.
    pub(super) fn phrase(&self, pieces: &[Piece<'a>]) -> Cow<'a, [u8]> {
        if let [one] = pieces {
            return one.text.clone();
        }
        match self.together(pieces, true) {
            Some(text) => Cow::Borrowed(text),
            None => self.concat(pieces, |a, b| !self.gap(a, b).is_empty(), true),
        }
    }

    /// A local part, a domain or a route: no space but, where `spaced`, between words
    /// that nothing joins.
    pub(super) fn join(&self, pieces: &[Piece<'a>], spaced: bool) -> Cow<'a, [u8]> {
        if let [one] = pieces
            && one.kind != Kind::Stray
        {
            return one.text.clone();
        }
        match self.together(pieces, false) {
            Some(text) => Cow::Borrowed(text),
            None => self.concat(
                pieces,
                |a, b| spaced && !self.gap(a, b).is_empty() && !self.joins(a, b),
                false,
            ),
        }
    }

    fn concat(
        &self,
        pieces: &[Piece<'a>],
        space: impl Fn(&Piece<'a>, &Piece<'a>) -> bool,
        strays: bool,
    ) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let mut before: Option<&Piece<'a>> = None;
        for piece in pieces.iter().filter(|p| strays || p.kind != Kind::Stray) {
            if before.is_some_and(|before| space(before, piece)) {
                out.push(b' ');
            }
            out.extend_from_slice(&piece.text);
            before = Some(piece);
        }
        Cow::Owned(out)
    }
}

/// A character that ends a word.
pub(super) fn is_special(byte: u8) -> bool {
    b",;:<>()\"@[]".contains(&byte)
}

pub(super) fn comment_text(comment: &[u8]) -> Cow<'_, [u8]> {
    match comment.contains(&b'\\') {
        true => Cow::Owned(unescape(comment)),
        false => unfold(comment),
    }
}
