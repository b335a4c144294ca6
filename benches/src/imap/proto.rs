//! imap-proto, in the loop that async-imap and tokio-imap have around it: parse what
//! is there; if it is too little, wait until there is as much more as it asks for.

use std::borrow::Cow;

use nom::{Err, Needed};
use peer_imap_proto::{
    Address, AttributeValue, BodyContentSinglePart, BodyStructure, MailboxDatum, Response,
};

use crate::measure::Tally;

pub fn read(input: &[u8], read: usize, tally: &mut Tally) {
    let mut buffer: Vec<u8> = Vec::new();
    let mut wanted = 0;
    for chunk in input.chunks(read) {
        buffer.extend_from_slice(chunk);
        let mut at = 0;
        while at < buffer.len() && buffer.len() >= wanted {
            wanted = 0;
            match Response::parse(&buffer[at..]) {
                Ok((rest, response)) => {
                    let used = buffer.len() - rest.len();
                    self::response(response, tally);
                    at = used;
                }
                Err(Err::Incomplete(Needed::Size(more))) => {
                    wanted = buffer.len() - at + more.get();
                    break;
                }
                Err(Err::Incomplete(Needed::Unknown)) => break,
                Err(other) => panic!("{other:?}"),
            }
        }
        buffer.drain(..at);
    }
}

fn response(response: Response<'_>, tally: &mut Tally) {
    tally.item();
    match response {
        Response::MailboxData(MailboxDatum::Exists(n)) => tally.number(u64::from(n)),
        Response::MailboxData(MailboxDatum::Search(ids)) => {
            ids.iter().for_each(|id| tally.number(u64::from(*id)));
        }
        Response::Fetch(number, items) => {
            let mut seen = false;
            for item in &items {
                seen |= self::item(item, tally);
            }
            tally.number(u64::from(number) + u64::from(seen));
        }
        other => panic!("{other:?}"),
    }
}

fn text(value: &Option<Cow<'_, [u8]>>, tally: &mut Tally) {
    tally.bytes(value.as_deref().unwrap_or_default());
}

fn item(item: &AttributeValue<'_>, tally: &mut Tally) -> bool {
    match item {
        AttributeValue::Uid(uid) => tally.number(u64::from(*uid)),
        AttributeValue::Flags(flags) => {
            for flag in flags {
                tally.bytes(flag.as_bytes());
            }
        }
        AttributeValue::Envelope(envelope) => {
            text(&envelope.date, tally);
            text(&envelope.subject, tally);
            for list in [&envelope.from, &envelope.to, &envelope.cc] {
                addresses(list.as_deref().unwrap_or_default(), tally);
            }
            text(&envelope.message_id, tally);
        }
        AttributeValue::BodyStructure(body) => structure(body, tally),
        AttributeValue::BodySection { data, .. } => {
            text(data, tally);
            return true;
        }
        other => panic!("{other:?}"),
    }
    false
}

fn addresses(list: &[Address<'_>], tally: &mut Tally) {
    for address in list {
        for part in [&address.name, &address.mailbox, &address.host] {
            text(part, tally);
        }
    }
}

fn structure(body: &BodyStructure<'_>, tally: &mut Tally) {
    match body {
        BodyStructure::Multipart { common, bodies, .. } => {
            bodies.iter().for_each(|part| structure(part, tally));
            tally.bytes(common.ty.subtype.as_bytes());
        }
        BodyStructure::Text {
            common,
            other,
            lines,
            ..
        } => {
            tally.bytes(common.ty.subtype.as_bytes());
            tally.number(u64::from(*lines));
            rest(&common.ty.params, other, tally);
        }
        BodyStructure::Basic { common, other, .. } => {
            tally.bytes(common.ty.subtype.as_bytes());
            rest(&common.ty.params, other, tally);
        }
        other => panic!("{other:?}"),
    }
}

fn rest(
    parameters: &Option<Vec<(Cow<'_, str>, Cow<'_, str>)>>,
    other: &BodyContentSinglePart<'_>,
    tally: &mut Tally,
) {
    for (name, value) in parameters.iter().flatten() {
        tally.bytes(name.as_bytes());
        tally.bytes(value.as_bytes());
    }
    tally.number(u64::from(other.octets));
}
