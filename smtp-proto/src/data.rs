//! DATA: the framing of a message (RFC 5321 section 4.5.2).
