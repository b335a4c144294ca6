//! Responses of every kind, at random.

use alloc::{boxed::Box, vec};
use core::num::NonZeroU32;

use bytes::Bytes;
use proptest::{collection::vec as many, option::of, prelude::*, sample::select};

use crate::response::*;
use crate::types::{Atom, Capability, DateTime, Flag, Mailbox, Section, SequenceSet, Tag};

fn nz(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let any = many(
        prop_oneof![9 => select(&b"ab \"\\()[]{}<>%*~3\r\n"[..]), 1 => 1u8..],
        0..12,
    );
    any.prop_map(Bytes::from)
}

fn flag() -> impl Strategy<Value = Flag<'static>> {
    select(vec!["\\Seen", "\\Recent", "\\*", "$Junk", "\\X-New", "NIL"])
        .prop_map(|f| Flag::new(f).unwrap())
}

fn mailbox() -> impl Strategy<Value = Mailbox<'static>> {
    select(vec![
        "INBOX",
        "a b",
        "Entwürfe",
        "a\"b",
        "&",
        "NIL",
        "[Gmail]/x{3}",
        "(x)",
        "",
    ])
    .prop_map(|m| Mailbox::new(m).unwrap())
}

fn atom(name: &'static str) -> Atom<'static> {
    Atom::new(name).unwrap()
}

fn code() -> impl Strategy<Value = Code> {
    let set = || select(vec!["1", "3:5,9", "7,2"]).prop_map(|s| s.parse::<SequenceSet>().unwrap());
    let words = vec![
        Code::Alert,
        Code::ReadOnly,
        Code::TryCreate,
        Code::NonExistent,
        Code::Closed,
        Code::BadCharset(vec![]),
    ];
    prop_oneof![
        select(words),
        (1u32..).prop_map(|n| Code::UidNext(nz(n))),
        many(flag(), 0..3).prop_map(Code::PermanentFlags),
        (1u32.., set()).prop_map(|(v, uids)| Code::AppendUid {
            uid_validity: nz(v),
            uids
        }),
        (1u32.., set(), set()).prop_map(|(v, source, destination)| Code::CopyUid {
            uid_validity: nz(v),
            source,
            destination
        }),
        Just(Code::Capability(vec![
            Capability::Imap4Rev1,
            Capability::Auth(atom("PLAIN"))
        ])),
        Just(Code::BadCharset(vec!["UTF-8".into()])),
        "[!-Z^-~ ]{1,9}".prop_map(|arg| Code::Unknown(
            UnknownCode::new(atom("X-NEW"), Some(arg.as_bytes())).unwrap()
        )),
    ]
}

fn resp_text() -> impl Strategy<Value = RespText> {
    (of(code()), "[!-~][ -~]{0,9}")
        .prop_filter("a bracket at the start would be a code", |(c, t)| {
            c.is_some() || !t.starts_with('[')
        })
        .prop_map(|(code, text)| RespText {
            code,
            text: Text::lossy(text),
        })
}

fn address() -> impl Strategy<Value = Address> {
    (of(bytes()), of(bytes()), of(bytes()), of(bytes())).prop_map(|(name, adl, mailbox, host)| {
        Address {
            name,
            adl,
            mailbox,
            host,
        }
    })
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let list = || many(address(), 0..3);
    (
        (of(bytes()), of(bytes()), of(bytes()), of(bytes())),
        (list(), list(), list(), list(), list(), list()),
    )
        .prop_map(
            |((date, subject, in_reply_to, message_id), (from, sender, reply_to, to, cc, bcc))| {
                Envelope {
                    date,
                    subject,
                    from,
                    sender,
                    reply_to,
                    to,
                    cc,
                    bcc,
                    in_reply_to,
                    message_id,
                }
            },
        )
}

fn parameters() -> impl Strategy<Value = Parameters> {
    many((bytes(), bytes()), 0..3)
}

fn structure(extensible: bool) -> impl Strategy<Value = BodyStructure> {
    let common = || {
        (
            of((bytes(), parameters())),
            many(bytes(), 0..3),
            of(bytes()),
        )
            .prop_map(|(disposition, language, location)| {
                let mut common = Extension::default();
                (common.disposition, common.language, common.location) =
                    (disposition, language, location);
                common
            })
    };
    let part = move |media: BoxedStrategy<Media>| {
        let extension = if extensible {
            of((of(bytes()), common()).prop_map(|(md5, common)| PartExtension { md5, common }))
                .boxed()
        } else {
            Just(None).boxed()
        };
        (
            media,
            parameters(),
            of(bytes()),
            of(bytes()),
            bytes(),
            any::<u64>(),
            extension,
        )
            .prop_map(
                |(media, parameters, id, description, encoding, octets, extension)| {
                    BodyStructure::Single(Part {
                        media,
                        parameters,
                        id,
                        description,
                        encoding,
                        octets,
                        extension,
                    })
                },
            )
    };
    let leaf = prop_oneof![
        (bytes(), any::<u64>()).prop_map(|(subtype, lines)| Media::Text { subtype, lines }),
        bytes().prop_map(|subtype| Media::Basic {
            media: "IMAGE".into(),
            subtype
        }),
    ];
    part(leaf.boxed()).prop_recursive(3, 8, 3, move |inner| {
        let extension = if extensible {
            of((parameters(), common())
                .prop_map(|(parameters, common)| MultipartExtension { parameters, common }))
            .boxed()
        } else {
            Just(None).boxed()
        };
        let message = (bytes(), envelope(), inner.clone(), any::<u64>()).prop_map(
            |(subtype, envelope, structure, lines)| Media::Message {
                subtype,
                envelope: Box::new(envelope),
                structure: Box::new(structure),
                lines,
            },
        );
        prop_oneof![
            (many(inner, 1..4), bytes(), extension).prop_map(|(parts, subtype, extension)| {
                BodyStructure::Multi(Multipart {
                    parts,
                    subtype,
                    extension,
                })
            }),
            part(message.boxed()),
        ]
    })
}

fn item() -> impl Strategy<Value = FetchItem> {
    let value = || prop_oneof![Just(Value::Nil), bytes().prop_map(Value::Inline)];
    let section = select(vec![
        Section::whole(),
        Section::header_fields(&[nz(1), nz(2)], ["From", "To]"]).unwrap(),
    ]);
    prop_oneof![
        many(flag(), 0..3).prop_map(FetchItem::Flags),
        envelope().prop_map(|e| FetchItem::Envelope(Box::new(e))),
        (0i64..4_000_000_000, -700i16..700)
            .prop_map(|(t, zone)| FetchItem::InternalDate(DateTime::from_unix(t, zone).unwrap())),
        value().prop_map(FetchItem::Rfc822),
        value().prop_map(FetchItem::Rfc822Header),
        value().prop_map(FetchItem::Rfc822Text),
        any::<u64>().prop_map(FetchItem::Rfc822Size),
        structure(false).prop_map(|s| FetchItem::Body(Box::new(s))),
        structure(true).prop_map(|s| FetchItem::BodyStructure(Box::new(s))),
        (section, of(any::<u32>()), value()).prop_map(|(section, origin, value)| {
            FetchItem::Section {
                section,
                origin,
                value,
            }
        }),
        (1u32..).prop_map(|n| FetchItem::Uid(nz(n))),
        any::<u64>().prop_map(FetchItem::ModSeq),
    ]
}

pub(super) fn response() -> impl Strategy<Value = Response> {
    let namespaces = || {
        many(
            (mailbox(), of(select(vec!['/', '.', '"', '\\'])))
                .prop_map(|(prefix, delimiter)| NamespaceEntry { prefix, delimiter }),
            0..3,
        )
    };
    let attribute = select(vec![
        Attribute::NoSelect,
        Attribute::HasChildren,
        Attribute::Other(atom("Sent")),
    ]);
    let list = (many(attribute, 0..3), of(select(vec!['/', '"'])), mailbox()).prop_map(
        |(attributes, delimiter, mailbox)| List {
            attributes,
            delimiter,
            mailbox,
        },
    );
    let status = select(vec![
        StatusItem::Messages(0),
        StatusItem::UidNext(u32::MAX),
        StatusItem::HighestModSeq(u64::MAX),
    ]);
    prop_oneof![
        "[ -~]{0,9}".prop_map(|t| Response::Continue(Text::lossy(t))),
        (
            select(vec![Condition::Ok, Condition::No, Condition::Bad]),
            resp_text()
        )
            .prop_map(|(condition, text)| Response::Tagged {
                tag: Tag::new("A1]").unwrap(),
                condition,
                text
            }),
        (select(Condition::ALL.to_vec()), resp_text())
            .prop_map(|(condition, text)| Response::Condition { condition, text }),
        list.prop_map(|l| Response::Data(Data::List(l))),
        (mailbox(), many(status, 0..3))
            .prop_map(|(mailbox, items)| Response::Data(Data::Status { mailbox, items })),
        (many(1u32.., 0..5), of(any::<u64>())).prop_map(|(ids, mod_seq)| Response::Data(
            Data::Search {
                ids: ids.into_iter().map(nz).collect(),
                mod_seq
            }
        )),
        many((bytes(), of(bytes())), 0..3).prop_map(|pairs| Response::Data(Data::Id(pairs))),
        (namespaces(), namespaces(), namespaces()).prop_map(|(personal, other_users, shared)| {
            Response::Data(Data::Namespace(Box::new(Namespace {
                personal,
                other_users,
                shared,
            })))
        }),
        many(flag(), 0..3).prop_map(|f| Response::Data(Data::Flags(f))),
        (1u32.., many(item(), 0..4)).prop_map(|(n, items)| Response::Data(Data::Fetch(Fetch {
            number: nz(n),
            items
        }))),
    ]
}
