//! The DNS that both sides see.

use std::net::Ipv4Addr;

use super::messages::{DOMAIN, Key};

pub struct Zone(pub Vec<(String, Data)>);

pub enum Data {
    Key(String),
    Spf(&'static str),
    Dmarc(&'static str),
    /// No such name, for whoever asks for a DMARC record.
    NoDmarc,
    A(Vec<Ipv4Addr>),
    Mx(Vec<(u16, &'static str)>),
}

impl Zone {
    /// The public keys of [`DOMAIN`].
    pub fn keys() -> Zone {
        let record = |key: Key| {
            let name = format!("{}._domainkey.{DOMAIN}", key.selector());
            (name, Data::Key(key.signing().record().to_string()))
        };
        Zone(vec![record(Key::Rsa), record(Key::Ed25519)])
    }
}
