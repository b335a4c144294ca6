//! ARC sets: three fields of one instance (RFC 8617 section 4).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::header::Header;
use crate::signature::{Rules, Signature, SignatureError};
use crate::tags::{TagList, TagListError, decimal, is_fws};

/// Sets that a message may have (section 4.2.1).
pub(super) const MOST: usize = 50;

pub(super) const RESULTS: &[u8] = b"arc-authentication-results";
pub(super) const MESSAGE: &[u8] = b"arc-message-signature";
pub(super) const SEAL: &[u8] = b"arc-seal";

/// The Chain Validation Status (section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChainStatus {
    /// There is no chain.
    None,
    /// It is valid.
    Pass,
    /// It is not; that stays so for ever.
    Fail,
}

impl fmt::Display for ChainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChainStatus::None => "none",
            ChainStatus::Pass => "pass",
            ChainStatus::Fail => "fail",
        })
    }
}

/// One set: which fields it is of, and what they say.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) results: usize,
    pub(super) message: usize,
    pub(super) seal: usize,
    pub(super) message_signature: Result<Signature, SignatureError>,
    pub(super) seal_signature: Signature,
}

/// Why the fields of a message are no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetProblem {
    /// More sets than the RFC allows.
    #[error("more than 50 sets (RFC 8617 section 5.2)")]
    TooMany,
    /// A field without an instance from 1 to 50.
    #[error("an ARC field without an instance from 1 to 50 (RFC 8617 section 4.2.1)")]
    Instance,
    /// An instance with a field missing or more than once.
    #[error("instance {0} has not each of the three fields once (RFC 8617 section 5.2)")]
    Incomplete(usize),
    /// A seal whose tags cannot be read.
    #[error("the seal of instance {0}: {1}")]
    Seal(usize, SignatureError),
    /// A seal with `h=`, which decides nothing there and is forbidden.
    #[error("the seal of instance {0} has \"h=\" (RFC 8617 section 4.1.3)")]
    HeaderList(usize),
    /// A seal whose `cv=` is missing or not the one that its place demands.
    #[error("the seal of instance {0} has the wrong \"cv=\" (RFC 8617 section 5.2)")]
    Status(usize),
}

/// The instance of a field.
fn instance(value: &[u8], is_results: bool) -> Option<usize> {
    let number = if is_results {
        // Only what comes before the results is a tag (section 4.1.1).
        let tag = before_results(value)?;
        let equals = memchr::memchr(b'=', &tag)?;
        let (name, number) = (tag.get(..equals)?, tag.get(equals + 1..)?);
        if trim(name) != b"i" {
            return None;
        }
        decimal(trim(number), 2)?
    } else {
        decimal(TagList::parse(value).ok()?.value("i")?, 2)?
    };
    usize::try_from(number)
        .ok()
        .filter(|n| (1..=MOST).contains(n))
}

/// The instance tag of ARC-Authentication-Results, in which comments may stand (section
/// 3.9); `None` where no semicolon ends it.
fn before_results(value: &[u8]) -> Option<Vec<u8>> {
    let (mut tag, mut depth) = (Vec::new(), 0u32);
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'(' => {
                depth = depth.saturating_add(1);
                tag.push(b' '); // it separates
            }
            b')' if depth > 0 => depth -= 1,
            b'\\' if depth > 0 => drop(bytes.next()),
            b';' if depth == 0 => return Some(tag),
            _ if depth == 0 => tag.push(*byte),
            _ => {}
        }
    }
    None
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_fws(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_fws(*last)
    {
        text = rest;
    }
    text
}

/// The sets of a message in order (section 5.2 steps 1 to 3). Empty when it has none.
pub(super) fn sets(header: &Header) -> Result<Vec<Set>, SetProblem> {
    let kinds = [RESULTS, MESSAGE, SEAL];
    let mut places: Vec<[Option<usize>; 3]> = Vec::new();
    let mut twice = None;
    for (kind, name) in kinds.iter().enumerate() {
        let fields = header.named(name);
        if fields.len() > MOST {
            return Err(SetProblem::TooMany);
        }
        for &field in fields {
            let found = instance(header.value(field), kind == 0).ok_or(SetProblem::Instance)?;
            if places.len() < found {
                places.resize(found, [None; 3]);
            }
            let slot = places.get_mut(found - 1).and_then(|set| set.get_mut(kind));
            if slot.and_then(|slot| slot.replace(field)).is_some() {
                twice = Some(found);
            }
        }
    }
    if let Some(instance) = twice {
        return Err(SetProblem::Incomplete(instance));
    }
    let mut sets = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        let instance = at + 1;
        let [Some(results), Some(message), Some(seal)] = *place else {
            return Err(SetProblem::Incomplete(instance));
        };
        let (seal_signature, status) = read_seal(header.value(seal), instance)?;
        let expected = if at == 0 {
            ChainStatus::None
        } else {
            ChainStatus::Pass
        };
        if status != expected {
            return Err(SetProblem::Status(instance));
        }
        sets.push(Set {
            results,
            message,
            seal,
            message_signature: read_message(header.value(message)),
            seal_signature,
        });
    }
    Ok(sets)
}

fn read_message(value: &[u8]) -> Result<Signature, SignatureError> {
    let tags = TagList::parse(value)?;
    let signature = Signature::of_message(&tags, Rules::Arc)?;
    // Section 4.1.2 forbids all three; but the suite has the others signed, and a seal
    // alone is made after this signature.
    let is_seal = |name: &String| SEAL.eq_ignore_ascii_case(name.as_bytes());
    match signature.headers().iter().any(is_seal) {
        true => Err(SignatureError::Malformed("h")),
        false => Ok(signature),
    }
}

fn read_seal(value: &[u8], instance: usize) -> Result<(Signature, ChainStatus), SetProblem> {
    let tags = TagList::parse(value)
        .map_err(|error: TagListError| SetProblem::Seal(instance, error.into()))?;
    if tags.get("h").is_some() {
        return Err(SetProblem::HeaderList(instance));
    }
    let status = match tags.value("cv") {
        Some(b"none") => ChainStatus::None,
        Some(b"pass") => ChainStatus::Pass,
        Some(b"fail") => ChainStatus::Fail,
        _ => return Err(SetProblem::Status(instance)),
    };
    if tags.value("t").is_some_and(|t| decimal(t, 12).is_none()) {
        return Err(SetProblem::Seal(instance, SignatureError::Malformed("t")));
    }
    let signature =
        Signature::of_header(&tags).map_err(|error| SetProblem::Seal(instance, error))?;
    Ok((signature, status))
}

/// Whether the newest seal says that the chain failed before (section 5.2 step 2).
pub(super) fn newest_says_fail(header: &Header) -> bool {
    let seals = header.named(SEAL).iter().take(MOST);
    let newest = seals.max_by_key(|field| instance(header.value(**field), false));
    newest.is_some_and(|field| {
        let tags = TagList::parse(header.value(*field));
        tags.is_ok_and(|tags| tags.value("cv") == Some(b"fail"))
    })
}

/// The highest instance that any field has, at most the most there may be.
pub(super) fn highest(header: &Header) -> usize {
    let of_kind = |name: &[u8], is_results| {
        let fields = header.named(name).iter().take(MOST);
        fields
            .filter_map(move |field| instance(header.value(*field), is_results))
            .max()
    };
    let kinds = [
        of_kind(RESULTS, true),
        of_kind(MESSAGE, false),
        of_kind(SEAL, false),
    ];
    kinds.into_iter().flatten().max().unwrap_or(0)
}
