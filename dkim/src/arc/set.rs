//! ARC sets: three fields of one instance (RFC 8617 section 4).

use alloc::vec::Vec;
use core::fmt;

use crate::header::Header;
use crate::message::Singles;
use crate::signature::{Name, Rules, Signature, SignatureError, SignatureTags};
use crate::tags::{TagListError, decimal, trim_fws};

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
    /// How often those fields are covered that may occur once.
    pub(super) covered: Singles,
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

/// The ARC fields of a message, of each kind as many as a chain may have, from the top.
pub(super) struct Fields<'h> {
    /// Results, message signatures, seals.
    kinds: [Kind<'h>; 3],
}

struct Kind<'h> {
    fields: Vec<Field<'h>>,
    /// There are more.
    too_many: bool,
}

type Tags<'h> = Result<SignatureTags<'h>, TagListError>;

/// One of them.
struct Field<'h> {
    number: usize,
    instance: Option<usize>,
    /// None of results, whose instance alone is a tag (section 4.1.1).
    tags: Tags<'h>,
}

impl<'h> Field<'h> {
    fn results(number: usize, value: &'h [u8]) -> Self {
        let instance = before_results(value).and_then(|tag| {
            let equals = memchr::memchr(b'=', &tag)?;
            let (name, instance) = (tag.get(..equals)?, tag.get(equals + 1..)?);
            let instance = (trim_fws(name) == b"i").then(|| trim_fws(instance));
            instance.and_then(valid_instance)
        });
        Self {
            number,
            instance,
            tags: Ok(SignatureTags::default()),
        }
    }

    fn signature(number: usize, value: &'h [u8]) -> Self {
        let tags = SignatureTags::parse(value);
        let instance = tags.as_ref().ok().and_then(|tags| tags.value(Name::I));
        Self {
            number,
            instance: instance.and_then(valid_instance),
            tags,
        }
    }
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

/// From 1 to 50 (section 4.2.1).
fn valid_instance(text: &[u8]) -> Option<usize> {
    let number = usize::try_from(decimal(text, 2)?).ok()?;
    (1..=MOST).contains(&number).then_some(number)
}

impl<'h> Fields<'h> {
    /// Reads each of them once.
    pub(super) fn of(header: &'h Header) -> Self {
        let read = |name: &[u8], field: fn(usize, &'h [u8]) -> Field<'h>| {
            let fields = header.named(name);
            let too_many = fields.len() > MOST;
            let fields = fields.take(MOST);
            Kind {
                fields: fields.map(|n| field(n, header.value(n))).collect(),
                too_many,
            }
        };
        Self {
            kinds: [
                read(RESULTS, Field::results),
                read(MESSAGE, Field::signature),
                read(SEAL, Field::signature),
            ],
        }
    }

    /// Whether the newest seal says that the chain failed before (section 5.2 step 2).
    pub(super) fn newest_says_fail(&self) -> bool {
        let [.., seals] = &self.kinds;
        let newest = seals.fields.iter().max_by_key(|field| field.instance);
        let tags = newest.and_then(|field| field.tags.as_ref().ok());
        tags.is_some_and(|tags| tags.value(Name::Cv) == Some(b"fail"))
    }

    /// The highest instance that any field has, at most the most there may be.
    pub(super) fn highest(&self) -> usize {
        let fields = self.kinds.iter().flat_map(|kind| &kind.fields);
        let instances = fields.filter_map(|field| field.instance);
        instances.max().unwrap_or(0)
    }

    /// The sets of a message in order (section 5.2 steps 1 to 3). Empty when it has none.
    pub(super) fn sets(&self) -> Result<Vec<Set>, SetProblem> {
        let mut places: Vec<[Option<&Field<'h>>; 3]> = Vec::new();
        let mut twice = None;
        for (n, kind) in self.kinds.iter().enumerate() {
            if kind.too_many {
                return Err(SetProblem::TooMany);
            }
            for field in &kind.fields {
                let instance = field.instance.ok_or(SetProblem::Instance)?;
                if places.len() < instance {
                    places.resize(instance, [None; 3]);
                }
                let slot = places.get_mut(instance - 1).and_then(|set| set.get_mut(n));
                if slot.and_then(|slot| slot.replace(field)).is_some() {
                    twice = Some(instance);
                }
            }
        }
        if let Some(instance) = twice {
            return Err(SetProblem::Incomplete(instance));
        }
        let mut sets = Vec::with_capacity(places.len());
        for (place, instance) in places.into_iter().zip(1..) {
            let [Some(results), Some(message), Some(seal)] = place else {
                return Err(SetProblem::Incomplete(instance));
            };
            let (seal_signature, status) = read_seal(&seal.tags, instance)?;
            let expected = match instance {
                1 => ChainStatus::None,
                _ => ChainStatus::Pass,
            };
            if status != expected {
                return Err(SetProblem::Status(instance));
            }
            let mut covered = Singles::default();
            sets.push(Set {
                results: results.number,
                message: message.number,
                seal: seal.number,
                message_signature: read_message(&message.tags, &mut covered),
                covered,
                seal_signature,
            });
        }
        Ok(sets)
    }
}

fn read_message(tags: &Tags<'_>, covered: &mut Singles) -> Result<Signature, SignatureError> {
    let tags = tags.as_ref().map_err(TagListError::clone)?;
    let signature = Signature::of(tags, Rules::Arc, covered)?;
    // Section 4.1.2 forbids all three; but the suite has the others signed, and a seal
    // alone is made after this signature.
    let is_seal = |name: &[u8]| SEAL.eq_ignore_ascii_case(name);
    let signs_a_seal = signature.names().any(is_seal);
    match signs_a_seal {
        true => Err(SignatureError::Malformed("h")),
        false => Ok(signature),
    }
}

fn read_seal(tags: &Tags<'_>, instance: usize) -> Result<(Signature, ChainStatus), SetProblem> {
    let tags = tags.as_ref();
    let tags = tags.map_err(|error| SetProblem::Seal(instance, error.clone().into()))?;
    if tags.value(Name::H).is_some() {
        return Err(SetProblem::HeaderList(instance));
    }
    let status = match tags.value(Name::Cv) {
        Some(b"none") => ChainStatus::None,
        Some(b"pass") => ChainStatus::Pass,
        Some(b"fail") => ChainStatus::Fail,
        _ => return Err(SetProblem::Status(instance)),
    };
    if tags
        .value(Name::T)
        .is_some_and(|t| decimal(t, 12).is_none())
    {
        return Err(SetProblem::Seal(instance, SignatureError::Malformed("t")));
    }
    let signature = Signature::of(tags, Rules::Seal, &mut Singles::default());
    let signature = signature.map_err(|error| SetProblem::Seal(instance, error))?;
    Ok((signature, status))
}
