//! imap-next on imap-codec.

use peer_imap_next::{
    Interrupt, Io, State,
    client::{Client, Event, Options},
    imap_types::{
        body::{BodyStructure, SpecificFields},
        core::NString,
        envelope::Address,
        fetch::MessageDataItem,
        flag::FlagFetch,
        response::Data,
    },
};

use crate::measure::Tally;

pub fn read(input: &[u8], read: usize, tally: &mut Tally) {
    let mut options = Options::default();
    options.discard_greeting = true;
    let mut client = Client::new(options);
    for chunk in input.chunks(read) {
        client.enqueue_input(chunk);
        loop {
            match client.next() {
                Ok(Event::DataReceived { data }) => self::data(data, tally),
                Ok(other) => panic!("{other:?}"),
                Err(Interrupt::Io(Io::NeedMoreInput)) => break,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

fn data(data: Data<'_>, tally: &mut Tally) {
    tally.item();
    match data {
        Data::Exists(n) => tally.number(u64::from(n)),
        Data::Search(ids, ..) => ids.iter().for_each(|id| tally.number(u64::from(id.get()))),
        Data::Fetch { seq, items } => {
            let mut seen = false;
            for item in items.as_ref() {
                seen |= self::item(item, tally);
            }
            tally.number(u64::from(seq.get()) + u64::from(seen));
        }
        other => panic!("{other:?}"),
    }
}

fn text(value: &NString<'_>, tally: &mut Tally) {
    tally.bytes(value.0.as_ref().map_or(&b""[..], AsRef::as_ref));
}

fn item(item: &MessageDataItem<'_>, tally: &mut Tally) -> bool {
    match item {
        MessageDataItem::Uid(uid) => tally.number(u64::from(uid.get())),
        MessageDataItem::Flags(flags) => {
            for flag in flags {
                match flag {
                    FlagFetch::Flag(flag) => flag_name(flag, tally),
                    FlagFetch::Recent => tally.bytes(b"\\Recent"),
                }
            }
        }
        MessageDataItem::Envelope(envelope) => {
            text(&envelope.date, tally);
            text(&envelope.subject, tally);
            for list in [&envelope.from, &envelope.to, &envelope.cc] {
                addresses(list, tally);
            }
            text(&envelope.message_id, tally);
        }
        MessageDataItem::BodyStructure(body) => structure(body, tally),
        MessageDataItem::BodyExt { data, .. } => {
            text(data, tally);
            return true;
        }
        other => panic!("{other:?}"),
    }
    false
}

fn flag_name(flag: &peer_imap_next::imap_types::flag::Flag<'_>, tally: &mut Tally) {
    use peer_imap_next::imap_types::flag::Flag;
    match flag {
        Flag::Seen => tally.bytes(b"\\Seen"),
        Flag::Answered => tally.bytes(b"\\Answered"),
        Flag::Flagged => tally.bytes(b"\\Flagged"),
        Flag::Keyword(word) => tally.bytes(word.inner().as_bytes()),
        other => panic!("{other:?}"),
    }
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
        BodyStructure::Multi {
            bodies, subtype, ..
        } => {
            for part in bodies.as_ref() {
                structure(part, tally);
            }
            tally.bytes(subtype.as_ref());
        }
        BodyStructure::Single { body, .. } => {
            match &body.specific {
                SpecificFields::Text {
                    subtype,
                    number_of_lines,
                } => {
                    tally.bytes(subtype.as_ref());
                    tally.number(u64::from(*number_of_lines));
                }
                SpecificFields::Basic { subtype, .. } => tally.bytes(subtype.as_ref()),
                other => panic!("{other:?}"),
            }
            for (name, value) in &body.basic.parameter_list {
                tally.bytes(name.as_ref());
                tally.bytes(value.as_ref());
            }
            tally.number(u64::from(body.basic.size));
        }
    }
}
