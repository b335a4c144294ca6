//! Which fields are signed: RFC 6376 sections 5.4 and 8.15.
//!
//! A field that is named in `h=` once more than it occurs is *oversigned*: nobody can add
//! one without breaking the signature. That is right for what a reader sees and for what
//! decides how the body is read, and wrong for what those add who hand a message on.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::header::Header;

/// Oversigned: what readers see of the author's (section 5.4.1), and what decides how the
/// body is read (RFC 2045). Nobody adds these in good faith.
const OVERSIGNED: &[&str] = &[
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
];

/// Signed as often as they occur. Relays and mailing lists add them where there were none:
/// a Sender, a Message-ID, the traces of sending again (Resent-).
const SIGNED: &[&str] = &[
    "Sender",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
];

/// What makes a message one of a mailing list (RFC 2369, RFC 2919, RFC 8058). A list adds
/// them to what its members write, so they are left open in a message that has none. One
/// that has any is from a list already; then nobody shall add another button to click.
const LIST: &[&str] = &[
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
];

/// What a signer names in `h=`.
#[derive(Clone, Debug)]
pub(crate) enum Fields {
    /// The lists above.
    Usual,
    /// Those of a caller.
    Given {
        oversigned: Arc<[String]>,
        signed: Arc<[String]>,
    },
}

impl Fields {
    /// A name in both lists, or twice in one, counts once: where it comes first.
    pub(crate) fn given(oversigned: &[&str], signed: &[&str]) -> Self {
        let mut seen = BTreeSet::new();
        let mut list = |names: &[&str]| {
            let names = names.iter().filter(|n| seen.insert(n.to_ascii_lowercase()));
            names.map(|name| (*name).into()).collect()
        };
        Fields::Given {
            oversigned: list(oversigned),
            signed: list(signed),
        }
    }

    /// The names of `h=` for this header, each as often as it is to be there.
    pub(crate) fn names(&self, header: &Header) -> Vec<&str> {
        let mut names = Vec::new();
        match self {
            Fields::Usual => {
                let is_of_a_list = LIST.iter().any(|name| count(header, name) > 0);
                add(&mut names, header, OVERSIGNED.iter().copied(), 1);
                add(&mut names, header, SIGNED.iter().copied(), 0);
                let extra = usize::from(is_of_a_list);
                add(&mut names, header, LIST.iter().copied(), extra);
            }
            Fields::Given { oversigned, signed } => {
                add(&mut names, header, oversigned.iter().map(String::as_str), 1);
                add(&mut names, header, signed.iter().map(String::as_str), 0);
            }
        }
        names
    }
}

/// Each of the list as often as it occurs, and `extra` times more.
fn add<'a>(
    names: &mut Vec<&'a str>,
    header: &Header,
    list: impl Iterator<Item = &'a str>,
    extra: usize,
) {
    for name in list {
        names.extend(core::iter::repeat_n(name, count(header, name) + extra));
    }
}

fn count(header: &Header, name: &str) -> usize {
    header.named(name.as_bytes()).len()
}

/// What an ARC message signature covers: what DKIM signs, as often as it is there, since
/// the next handler may add to it; and signatures of DKIM (RFC 8617 section 4.1.2).
#[cfg(feature = "arc")]
pub(crate) fn names_for_arc(header: &Header) -> Vec<&'static str> {
    let lists = [OVERSIGNED, SIGNED, LIST, &["DKIM-Signature"]];
    // From is named even where it is missing, so that nobody adds one.
    let times = |name: &'static str| match name {
        "From" => count(header, name).max(1),
        name => count(header, name),
    };
    let names = lists.into_iter().flatten();
    names
        .flat_map(|name| core::iter::repeat_n(*name, times(name)))
        .collect()
}
