//! mailparse's side. It takes no message in a message apart, so its caller does,
//! as here. What it refuses is said instead of what it would have read.

use peer_mailparse::{
    MailAddr, MailHeaderMap, MailParseError, ParsedMail, SingleInfo, addrparse_header, dateparse,
    parse_mail,
};

use crate::measure::Tally;

pub fn index(message: &[u8], tally: &mut Tally) {
    let mail = match parse_mail(message) {
        Ok(mail) => mail,
        Err(error) => return refused(error, tally),
    };
    nodes(&mail, message, tally, &|_, _| ());
    tally.item();
}

fn nodes(
    mail: &ParsedMail<'_>,
    whole: &[u8],
    tally: &mut Tally,
    leaf: &impl Fn(&ParsedMail<'_>, &mut Tally),
) {
    let header = mail.get_headers().get_raw_bytes().len();
    let raw = mail.raw_bytes.get(header..).unwrap_or_default();
    let offset = (raw.as_ptr() as usize - whole.as_ptr() as usize) as u64;
    if !mail.subparts.is_empty() {
        tally.number(1);
        tally.number(offset);
        for part in &mail.subparts {
            nodes(part, whole, tally, leaf);
        }
    } else if mail.ctype.mimetype == "message/rfc822" {
        tally.number(2);
        tally.number(offset);
        match parse_mail(raw) {
            Ok(inner) => nodes(&inner, whole, tally, leaf),
            Err(error) => refused(error, tally),
        }
    } else {
        tally.number(0);
        tally.number(offset);
        tally.number(raw.len() as u64);
        leaf(mail, tally);
    }
}

pub fn four(message: &[u8], tally: &mut Tally) {
    let mail = match parse_mail(message) {
        Ok(mail) => mail,
        Err(error) => return refused(error, tally),
    };
    for name in ["From", "To"] {
        let Some(field) = mail.headers.get_first_header(name) else {
            continue;
        };
        let addresses = match addrparse_header(field) {
            Ok(addresses) => addresses,
            Err(error) => {
                refused(error, tally);
                continue;
            }
        };
        for address in addresses.iter() {
            match address {
                MailAddr::Single(single) => mailbox(single, tally),
                MailAddr::Group(group) => group.addrs.iter().for_each(|a| mailbox(a, tally)),
            }
        }
    }
    let value = |name| mail.headers.get_first_value(name);
    tally.bytes(value("Subject").unwrap_or_default().as_bytes());
    let date = value("Date").map_or(0, |d| dateparse(&d).unwrap_or(0));
    tally.number(date as u64);
    tally.item();
}

pub fn bodies(message: &[u8], tally: &mut Tally) {
    let mail = match parse_mail(message) {
        Ok(mail) => mail,
        Err(error) => return refused(error, tally),
    };
    nodes(&mail, message, tally, &|part, tally| {
        if part.ctype.mimetype.starts_with("text/") {
            match part.get_body() {
                Ok(text) => tally.bytes(text.as_bytes()),
                Err(error) => refused(error, tally),
            }
        } else {
            match part.get_body_raw() {
                Ok(bytes) => tally.bytes(&bytes),
                Err(error) => refused(error, tally),
            }
        }
    });
    tally.item();
}

fn mailbox(single: &SingleInfo, tally: &mut Tally) {
    if let Some(name) = &single.display_name {
        tally.bytes(name.as_bytes());
    }
    tally.bytes(single.addr.as_bytes());
}

fn refused(error: MailParseError, tally: &mut Tally) {
    tally.bytes(format!("({error})").as_bytes());
}
