//! Commands as they stand on the wire (RFC 5321 section 4.1.1).
