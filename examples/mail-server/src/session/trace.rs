//! The fields that a server puts on top of a message: Return-Path and Received
//! (RFC 5321 4.4).

use std::{fmt::Write, net::IpAddr};

use scop_core::Channel;
use scop_mime::DateTime;

/// What is known of a message's last hop.
pub(crate) struct Trace<'a> {
    /// The envelope's sender, empty for `<>`.
    pub(crate) sender: &'a str,
    /// What the client said it is called.
    pub(crate) client: &'a str,
    pub(crate) peer: IpAddr,
    /// This server.
    pub(crate) by: &'a str,
    pub(crate) esmtp: bool,
    pub(crate) channel: Option<&'a Channel>,
    pub(crate) authenticated: bool,
    pub(crate) id: &'a str,
    /// The recipient, if there is only one: several are nobody's business
    /// (RFC 5321 7.6).
    pub(crate) recipient: Option<&'a str>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Trace<'_> {
    /// `Return-Path: <..>`, for final delivery.
    pub(crate) fn return_path(&self) -> String {
        format!("Return-Path: <{}>\r\n", self.sender)
    }

    /// `Received: ..`
    pub(crate) fn received(&self) -> String {
        let mut out = String::new();
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "Received: from {} (", self.client)?;
        match self.peer.to_canonical() {
            IpAddr::V4(ip) => write!(out, "[{ip}])\r\n")?,
            IpAddr::V6(ip) => write!(out, "[IPv6:{ip}])\r\n")?,
        }
        write!(out, "\tby {} with {}", self.by, self.protocol())?;
        if let Some(version) = self.channel.and_then(|c| c.version) {
            let suite = self.channel.and_then(|c| c.cipher_suite.as_deref());
            write!(out, " ({version} {})", suite.unwrap_or_default())?;
        }
        write!(out, "\r\n\tid {}", self.id)?;
        if let Some(recipient) = self.recipient {
            write!(out, " for <{recipient}>")?;
        }
        write!(out, ";\r\n\t{}\r\n", date(self.now))
    }

    /// RFC 3848.
    fn protocol(&self) -> &'static str {
        match (self.esmtp, self.channel.is_some(), self.authenticated) {
            (false, ..) => "SMTP",
            (true, false, false) => "ESMTP",
            (true, true, false) => "ESMTPS",
            (true, false, true) => "ESMTPA",
            (true, true, true) => "ESMTPSA",
        }
    }
}

/// A time, in seconds since 1970, as header fields have it.
pub(crate) fn date(seconds: u64) -> String {
    let date = i64::try_from(seconds)
        .ok()
        .and_then(|s| DateTime::from_unix(s, 0));
    // Past the year 9999 there is nothing that RFC 5322 could say.
    date.map(|date| date.to_rfc5322()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_what_how_and_when() {
        let mut channel = Channel::new();
        channel.version = Some("TLSv1.3");
        channel.cipher_suite = Some("TLS13_AES_256_GCM_SHA384".into());
        let mut trace = Trace {
            sender: "ann@example.org",
            client: "laptop",
            peer: "::ffff:192.0.2.1".parse().unwrap(),
            by: "mx.test",
            esmtp: true,
            channel: Some(&channel),
            authenticated: true,
            id: "abc.1",
            recipient: Some("bob@mx.test"),
            now: 1_700_000_000,
        };
        assert_eq!(trace.return_path(), "Return-Path: <ann@example.org>\r\n");
        assert_eq!(
            trace.received(),
            "Received: from laptop ([192.0.2.1])\r\n\
             \tby mx.test with ESMTPSA (TLSv1.3 TLS13_AES_256_GCM_SHA384)\r\n\
             \tid abc.1 for <bob@mx.test>;\r\n\
             \tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        (trace.channel, trace.authenticated, trace.esmtp) = (None, false, false);
        (trace.sender, trace.recipient, trace.peer) = ("", None, "::1".parse().unwrap());
        assert_eq!(trace.return_path(), "Return-Path: <>\r\n");
        assert_eq!(
            trace.received(),
            "Received: from laptop ([IPv6:::1])\r\n\tby mx.test with SMTP\r\n\
             \tid abc.1;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
    }
}
