-- The mail-server's one file. Any SQLite tool may read it; only the server may write it.

CREATE TABLE user (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    iterations INTEGER NOT NULL, -- of PBKDF2-HMAC-SHA256
    salt       BLOB    NOT NULL,
    hash       BLOB    NOT NULL
) STRICT;

CREATE TABLE mailbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    user         INTEGER NOT NULL REFERENCES user (id),
    name         TEXT    NOT NULL, -- UTF-8, levels parted by '/'
    uid_validity INTEGER NOT NULL UNIQUE,
    uid_next     INTEGER NOT NULL DEFAULT 1,
    recent_from  INTEGER NOT NULL DEFAULT 1, -- from this UID on no session has seen it
    modseq       INTEGER NOT NULL DEFAULT 1, -- counts the changes to its messages
    UNIQUE (user, name)
) STRICT;

CREATE TABLE subscription (
    user INTEGER NOT NULL REFERENCES user (id),
    name TEXT    NOT NULL, -- may outlive the mailbox (RFC 3501 6.3.6)
    PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;

-- What messages say; copies in several mailboxes share one.
CREATE TABLE blob (
    id        INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    size      INTEGER, -- in bytes, with the head; NULL while the message is coming
    head      BLOB NOT NULL, -- what the server put on top: Return-Path, Received
    structure BLOB -- where its MIME parts lie; NULL until somebody asks
) STRICT;

-- What follows the head, in pieces of 262144; only the last is shorter.
CREATE TABLE chunk (
    blob INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    n    INTEGER NOT NULL, -- 0, 1, ..
    data BLOB    NOT NULL,
    PRIMARY KEY (blob, n)
) STRICT;

CREATE TABLE message (
    mailbox  INTEGER NOT NULL REFERENCES mailbox (id),
    uid      INTEGER NOT NULL,
    flags    INTEGER NOT NULL, -- 1 \Seen, 2 \Answered, 4 \Flagged, 8 \Deleted, 16 \Draft
    keywords TEXT    NOT NULL, -- parted by spaces
    received INTEGER NOT NULL, -- INTERNALDATE, seconds since 1970
    zone     INTEGER NOT NULL, -- and its zone, minutes east of UTC
    size     INTEGER NOT NULL, -- in bytes
    modseq   INTEGER NOT NULL, -- the mailbox's, at the last change
    blob     INTEGER NOT NULL REFERENCES blob (id),
    UNIQUE (mailbox, uid)
) STRICT;
CREATE INDEX message_blob ON message (blob);
CREATE INDEX message_modseq ON message (mailbox, modseq);
CREATE INDEX message_unseen ON message (mailbox, uid) WHERE flags & 1 = 0;
CREATE INDEX message_deleted ON message (mailbox, uid) WHERE flags & 8 != 0;

-- Messages expunged since the server started, for sessions that do not know yet.
CREATE TABLE vanished (
    mailbox INTEGER NOT NULL,
    modseq  INTEGER NOT NULL,
    uid     INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, uid)
) STRICT, WITHOUT ROWID;
