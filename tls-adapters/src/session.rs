//! The TLS implementation, behind one narrow trait: all that the rest of this
//! crate knows of rustls is in this file and in `config`.
//!
//! rustls 0.23 is driven through its unbuffered API. It is handed one whole record
//! at a time, so it never holds plaintext that was not asked for, and asking it to
//! encrypt never makes it read. What it has taken of a handshake message that is
//! not whole stays in our buffer, and that buffer is passed with every call:
//! without it 0.23 panics.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};

use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::{Buf, Bytes, BytesMut};
use rustls::{
    CertificateError, Error, InvalidMessage, SupportedCipherSuite,
    client::UnbufferedClientConnection,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus},
};
use rustls_pki_types::{IpAddr, ServerName};
use scop_core::{Channel, Outbox};

use crate::{
    error::{AlertReceived, CertificateFault, Failure},
    observe::Observed,
};

/// One TLS connection: records in, records and plaintext out.
pub(crate) trait Session: Send + Sync {
    /// Takes one whole record, or none to make the first move. Plaintext goes to
    /// `plain`, what has to be sent to `out`, alerts included when it fails.
    fn receive(
        &mut self,
        record: BytesMut,
        plain: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<Received, Failure>;

    /// Encrypts `data` to `out`. Only once the handshake is done.
    fn send(&mut self, data: &[u8], out: &mut Outbox) -> Result<(), Failure>;

    /// Encrypts `close_notify` to `out`. Only once the handshake is done.
    fn close(&mut self, out: &mut Outbox) -> Result<(), Failure>;

    /// Bytes held of a handshake message that is not whole.
    fn held(&self) -> usize;

    /// What the handshake found.
    fn channel(&self) -> Channel;
}

/// What came of a record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Received {
    /// The handshake is done.
    pub(crate) open: bool,
    /// `close_notify` came.
    pub(crate) closed: bool,
}

enum Connection {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// rustls 0.23.
pub(crate) struct Rustls {
    connection: Connection,
    /// The bytes of an unfinished handshake message, as rustls left them.
    records: BytesMut,
    observed: Arc<Observed>,
    server_name: Option<String>,
}

/// What to do once rustls has nothing left to say.
enum Then<'d> {
    Nothing,
    Encrypt(&'d [u8]),
    CloseNotify,
}

/// One answer of rustls, dealt with.
enum Turn {
    Again,
    Closed,
    Done,
}

impl Rustls {
    pub(crate) fn client(
        connection: UnbufferedClientConnection,
        observed: Arc<Observed>,
        server_name: String,
    ) -> Self {
        Rustls {
            connection: Connection::Client(connection),
            records: BytesMut::new(),
            observed,
            server_name: Some(server_name),
        }
    }

    pub(crate) fn server(connection: UnbufferedServerConnection, observed: Arc<Observed>) -> Self {
        Rustls {
            connection: Connection::Server(connection),
            records: BytesMut::new(),
            observed,
            server_name: None,
        }
    }

    fn common(&self) -> &rustls::CommonState {
        match &self.connection {
            Connection::Client(connection) => connection,
            Connection::Server(connection) => connection,
        }
    }

    /// Asks rustls once.
    fn ask(
        &mut self,
        then: &Then<'_>,
        plain: &mut BytesMut,
        out: &mut Outbox,
    ) -> (usize, Result<Turn, Error>) {
        let records = &mut self.records;
        match &mut self.connection {
            Connection::Client(c) => answer(c.process_tls_records(records), then, plain, out),
            Connection::Server(c) => answer(c.process_tls_records(records), then, plain, out),
        }
    }

    /// Asks rustls until it is out of words. `true` when `close_notify` came.
    fn run(
        &mut self,
        then: &Then<'_>,
        plain: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<bool, Error> {
        let mut closed = false;
        loop {
            let (discard, turn) = self.ask(then, plain, out);
            self.records.advance(discard.min(self.records.len()));
            match turn? {
                Turn::Again => {}
                Turn::Closed => closed = true,
                Turn::Done => break,
            }
        }
        if self.records.is_empty() {
            self.records = BytesMut::new();
        }
        Ok(closed)
    }

    /// After an error: what rustls wants the peer to know. It is asked only as long
    /// as it has something, for then it would look at the bad record again.
    fn last_words(&mut self, out: &mut Outbox) {
        let mut nothing = BytesMut::new();
        while self.common().wants_write() {
            let (discard, turn) = self.ask(&Then::Nothing, &mut nothing, out);
            self.records.advance(discard.min(self.records.len()));
            if turn.is_err() {
                return;
            }
        }
    }
}

impl Session for Rustls {
    fn receive(
        &mut self,
        record: BytesMut,
        plain: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<Received, Failure> {
        if self.records.is_empty() {
            self.records = record;
        } else {
            self.records.extend_from_slice(&record);
        }
        match self.run(&Then::Nothing, plain, out) {
            Ok(closed) => Ok(Received {
                open: !self.common().is_handshaking(),
                closed,
            }),
            Err(error) => {
                self.last_words(out);
                Err(failure(error))
            }
        }
    }

    fn send(&mut self, data: &[u8], out: &mut Outbox) -> Result<(), Failure> {
        let mut nothing = BytesMut::new();
        self.run(&Then::Encrypt(data), &mut nothing, out)
            .map(|_| ())
            .map_err(failure)
    }

    fn close(&mut self, out: &mut Outbox) -> Result<(), Failure> {
        let mut nothing = BytesMut::new();
        self.run(&Then::CloseNotify, &mut nothing, out)
            .map(|_| ())
            .map_err(failure)
    }

    fn held(&self) -> usize {
        self.records.len()
    }

    fn channel(&self) -> Channel {
        let common = self.common();
        let suite = common.negotiated_cipher_suite();
        let mut channel = Channel::new();
        channel.version = common.protocol_version().and_then(|v| match v {
            rustls::ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            rustls::ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => None,
        });
        channel.cipher_suite = suite.map(suite_name);
        channel.alpn = common.alpn_protocol().map(<[u8]>::to_vec);
        channel.server_name = self
            .server_name
            .clone()
            .or_else(|| self.observed.server_name());
        channel.exporter = suite.and_then(|suite| self.observed.channel_binding(suite));
        channel.peer_certificates = common
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect();
        channel
    }
}

/// A server name as it is written; rustls's own way needs `std`.
pub(crate) fn name_text(name: &ServerName<'_>) -> String {
    match name {
        ServerName::DnsName(name) => name.as_ref().into(),
        ServerName::IpAddress(IpAddr::V4(ip)) => Ipv4Addr::from(*ip.as_ref()).to_string(),
        ServerName::IpAddress(IpAddr::V6(ip)) => Ipv6Addr::from(*ip.as_ref()).to_string(),
        other => format!("{other:?}"),
    }
}

/// IANA's name of a suite; rustls writes `TLS13_` where IANA writes `TLS_`.
fn suite_name(suite: SupportedCipherSuite) -> String {
    let name = suite
        .suite()
        .as_str()
        .map_or_else(|| format!("{:?}", suite.suite()), ToString::to_string);
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name,
    }
}

/// Deals with one state of either side. What to discard from the front of the
/// records is to be discarded whatever the turn.
fn answer<D>(
    status: UnbufferedStatus<'_, '_, D>,
    then: &Then<'_>,
    plain: &mut BytesMut,
    out: &mut Outbox,
) -> (usize, Result<Turn, Error>) {
    let UnbufferedStatus { mut discard, state } = status;
    let turn = match state {
        Err(error) => Err(error),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    plain.extend_from_slice(record.payload);
                }
                Some(Err(error)) => break Err(error),
                None => break Ok(Turn::Again),
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let mut encoded = Vec::new();
            let size = match data.encode(&mut encoded) {
                Err(EncodeError::InsufficientSize(short)) => {
                    encoded.resize(short.required_size, 0);
                    data.encode(&mut encoded).ok()
                }
                other => other.ok(),
            };
            encoded.truncate(size.unwrap_or(0));
            out.push_bytes(Bytes::from(encoded));
            Ok(Turn::Again)
        }
        Ok(ConnectionState::TransmitTlsData(sent)) => {
            // It is in the outbox, before all that comes later.
            sent.done();
            Ok(Turn::Again)
        }
        Ok(ConnectionState::PeerClosed) => Ok(Turn::Closed),
        Ok(ConnectionState::WriteTraffic(mut traffic)) => match then {
            Then::Nothing => Ok(Turn::Done),
            Then::Encrypt(data) => encrypt(data.len(), out, |buffer| traffic.encrypt(data, buffer)),
            Then::CloseNotify => encrypt(0, out, |buffer| traffic.queue_close_notify(buffer)),
        },
        Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => Ok(Turn::Done),
        // Early data is never accepted, so there is no such state to be in.
        Ok(_) => Err(Error::General(
            "a state of TLS that was not asked for".into(),
        )),
    };
    (discard, turn)
}

/// What a record costs on top of its content, at most: header, nonce, tag, and what
/// an alert is long.
const OVERHEAD: usize = 5 + 8 + 16 + 2;
/// The content of a full record (RFC 8446 section 5.1).
const FRAGMENT: usize = 1 << 14;

fn encrypt(
    len: usize,
    out: &mut Outbox,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<Turn, Error> {
    let mut buffer = vec![0; len + (len / FRAGMENT + 1) * OVERHEAD];
    let written = match write(&mut buffer) {
        Err(EncryptError::InsufficientSize(short)) => {
            buffer.resize(short.required_size, 0);
            write(&mut buffer)
        }
        other => other,
    };
    match written {
        Ok(size) => {
            buffer.truncate(size);
            out.push_bytes(Bytes::from(buffer));
            Ok(Turn::Done)
        }
        Err(error) => Err(Error::General(error.to_string())),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::InvalidCertificate(error) => Failure::Certificate(certificate(error)),
        Error::AlertReceived(alert) => Failure::Alert(AlertReceived {
            code: alert.into(),
            name: format!("{alert:?}"),
        }),
        Error::NoApplicationProtocol => Failure::NoApplicationProtocol,
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => Failure::NotTls,
        error => Failure::Peer(error.to_string()),
    }
}

fn certificate(error: CertificateError) -> CertificateFault {
    use CertificateError as C;
    match error {
        C::Expired | C::ExpiredContext { .. } => CertificateFault::Expired,
        C::NotValidYet | C::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        C::NotValidForName => CertificateFault::WrongName("not the one asked for".into()),
        C::NotValidForNameContext {
            expected,
            presented,
        } => CertificateFault::WrongName(format!(
            "{} was asked for, it is for {}",
            name_text(&expected),
            match presented.as_slice() {
                [] => "none".into(),
                names => names.join(", "),
            }
        )),
        C::UnknownIssuer => CertificateFault::UnknownIssuer,
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            CertificateFault::WrongUse(error.to_string())
        }
        C::BadSignature => CertificateFault::BadSignature,
        C::Revoked => CertificateFault::Revoked,
        error => CertificateFault::Other(error.to_string()),
    }
}
