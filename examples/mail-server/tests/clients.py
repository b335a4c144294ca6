#!/usr/bin/env python3
"""Conversations with a running mail-server, by smtplib and imaplib.

    clients.py FUNCTION CERTIFICATE SMTP SUBMISSION SUBMISSIONS IMAP IMAPS

The users are ann and bob.
"""

import base64
import imaplib
import json
import re
import smtplib
import ssl
import sys

PASSWORD = "correct-horse"
CERTIFICATE = sys.argv[2]
PORTS = dict(zip(["smtp", "submission", "submissions", "imap", "imaps"], map(int, sys.argv[3:])))
TLS = ssl.create_default_context(cafile=CERTIFICATE)
imaplib._MAXLINE = 10_000_000


def imap(user="ann", implicit=True):
    if implicit:
        client = imaplib.IMAP4_SSL("localhost", PORTS["imaps"], ssl_context=TLS, timeout=60)
    else:
        client = imaplib.IMAP4("localhost", PORTS["imap"], timeout=60)
        client.starttls(TLS)
    if user:
        ok(client.login(user, PASSWORD))
    return client


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def smtp(kind, user=None):
    if kind == "submissions":
        client = smtplib.SMTP_SSL("localhost", PORTS[kind], context=TLS, timeout=60)
    else:
        client = smtplib.SMTP("localhost", PORTS[kind], timeout=60)
        client.starttls(context=TLS)
    if user:
        client.login(user, PASSWORD)
    return client


def deliver(content, to="ann@localhost"):
    with smtp("smtp") as client:
        client.sendmail("sender@example.org", [to], content, mail_options=["BODY=8BITMIME"])


def whole(client, number, item="BODY.PEEK[]"):
    return ok(client.fetch(str(number), f"({item})"))[0][1]


def messages():
    header = b"From: sender@example.org\r\nSubject: test\r\n"
    yield header + b"\r\nplain\r\n"
    yield header + b"\r\n"
    yield header + b"\r\n.\r\n..\r\n...\r\n.leading\r\n\r\n.\r\n"
    yield header + b"\r\n\r\n\r\nblank lines around\r\n\r\n\r\n"
    yield header + "\r\nGrüße, Ελλάδα, 日本\r\n".encode()
    yield header + b"\r\n" + bytes(range(128, 256)) + b"\r\n"
    yield header + b"\r\n" + b"".join(b"%076d\r\n" % n for n in range(30_000))
    yield b"\r\nno header at all\r\n"


def bytes_():
    sent = list(messages())
    for n, content in enumerate(sent):
        if n % 2:
            deliver(content)
        else:
            kind = ["submission", "submissions"][n // 2 % 2]
            with smtp(kind, "ann") as client:
                client.sendmail("ann@localhost", ["ann@localhost"], content,
                                mail_options=["BODY=8BITMIME"])
    for implicit in [True, False]:
        client = imap(implicit=implicit)
        assert ok(client.select()) == [str(len(sent)).encode()]
        for n, content in enumerate(sent, 1):
            got = whole(client, n)
            assert got.startswith(b"Return-Path: <") and got.endswith(content), got[:500]
            size = re.search(rb"RFC822.SIZE (\d+)", ok(client.fetch(str(n), "(RFC822.SIZE)"))[0])
            assert int(size[1]) == len(got)
            head, text = whole(client, n, "BODY.PEEK[HEADER]"), whole(client, n, "BODY.PEEK[TEXT]")
            assert head + text == got
            part = whole(client, n, "BODY.PEEK[]<10.100000>")
            assert part == got[10:100010]
        # What APPEND stores comes back as it is, with its date and flags.
        for content in sent:
            if b"\0" not in content:
                ok(client.append("INBOX", r"(\Seen $Label)", '"17-Jul-1996 02:44:25 -0700"', content))
                exists = int(ok(client.select())[0])
                got = ok(client.fetch(str(exists), "(BODY.PEEK[] INTERNALDATE FLAGS)"))
                assert got[0][1] == content
                answer = got[0][0] + got[1]
                assert b'"17-Jul-1996 02:44:25 -0700"' in answer and b"$Label" in answer, answer
                ok(client.store(str(exists), "+FLAGS", r"(\Deleted)"))
                ok(client.expunge())
        client.logout()


def sessions():
    for n in range(5):
        deliver(b"Subject: n%d\r\n\r\nx\r\n" % n)
    one, two = imap(), imap(implicit=False)
    ok(one.select()), ok(two.select())
    ok(one.store("2", "+FLAGS", r"(\Deleted)"))
    assert ok(one.expunge()) == [b"2"]
    # FETCH by number must not change numbers: what was 3 is 3 until two is told.
    assert whole(two, 3, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]").strip() == b"Subject: n2"
    assert two.response("EXPUNGE")[1] == [None]
    ok(two.noop())
    assert two.response("EXPUNGE")[1] == [b"2"]
    assert whole(two, 3, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]").strip() == b"Subject: n3"
    # Flags of one are told to the other, once, and not to who set them silently.
    ok(two.store("1", "+FLAGS.SILENT", r"(\Flagged)"))
    assert two.response("FETCH")[1] == [None]
    ok(one.noop())
    told = one.response("FETCH")[1]
    assert len(told) == 1 and b"\\Flagged" in told[0], told
    # New mail: both hear of it, one has it as recent.
    deliver(b"Subject: new\r\n\r\nx\r\n")
    ok(one.noop()), ok(two.noop())
    assert one.response("EXISTS")[1][-1] == two.response("EXISTS")[1][-1] == b"5"
    recent = [int(c.response("RECENT")[1][-1]) for c in (one, two)]
    assert sum(b"\\Recent" in ok(c.fetch("5", "(FLAGS)"))[0] for c in (one, two)) == 1, recent
    # EXAMINE changes nothing.
    ok(two.select(readonly=True))
    whole(two, 5, "BODY[]")
    assert b"\\Seen" not in ok(two.fetch("5", "(FLAGS)"))[0]
    assert two.store("5", "+FLAGS", r"(\Seen)")[0] == "NO"
    assert two.uid("STORE", "1:*", "+FLAGS", r"(\Seen)")[0] == "NO"
    # BODY[] marks as seen and says so.
    assert b"\\Seen" in ok(one.fetch("5", "(BODY[])"))[0][0]
    # A message that two moves is gone for one.
    ok(two.select())
    ok(two.create("Archive"))
    uid = int(re.search(rb"UID (\d+)", ok(two.fetch("1", "(UID)"))[0])[1])
    ok(two.uid("MOVE", str(uid), "Archive"))
    assert two.response("COPYUID")[1][0].split()[1:] == [str(uid).encode(), b"1"]
    ok(one.noop())
    assert one.response("EXPUNGE")[1] == [b"1"]
    assert ok(one.uid("FETCH", str(uid), "(FLAGS)")) == [None]
    # Numbers that do not exist are the client's mistake; UIDs that do not are not.
    try:
        one.fetch("99", "(FLAGS)")
        raise AssertionError("taken")
    except imaplib.IMAP4.error:
        pass
    assert ok(one.uid("FETCH", "9999", "(FLAGS)")) == [None]
    # CLOSE expunges without a word.
    ok(one.store("1:2", "+FLAGS", r"(\Deleted)"))
    ok(one.close())
    assert ok(one.select()) == [b"2"]
    # The mailbox goes away under who has it open.
    ok(two.select("Archive"))
    ok(one.delete("Archive"))
    try:
        two.noop(), two.noop()
        raise AssertionError("still there")
    except (imaplib.IMAP4.abort, imaplib.IMAP4.error, OSError):
        pass


def idle():
    deliver(b"Subject: first\r\n\r\nx\r\n")
    client, other = imap(), imap()
    ok(client.select()), ok(other.select())
    client.send(b"I1 IDLE\r\n")
    assert client.readline().startswith(b"+"), "no continuation"
    deliver(b"Subject: second\r\n\r\nx\r\n")
    assert client.readline() == b"* 2 EXISTS\r\n"
    assert client.readline().endswith(b" RECENT\r\n")
    ok(other.store("1", "+FLAGS", r"(\Flagged)"))
    assert b"* 1 FETCH (FLAGS (\\Flagged" in client.readline()
    ok(other.store("1", "+FLAGS.SILENT", r"(\Deleted)"))
    assert b"\\Deleted" in client.readline()
    ok(other.expunge())
    assert client.readline() == b"* 1 EXPUNGE\r\n"
    client.send(b"DONE\r\n")
    assert client.readline().startswith(b"I1 OK")


def pipelined():
    """is10: who asks for much and does not read gets it all in order, later."""
    big = b"Subject: big\r\n\r\n" + b"%070d\r\n" % 0 * 30_000
    client, other = imap(), imap()
    ok(client.append("INBOX", None, None, big))
    ok(client.append("INBOX", None, None, b"Subject: small\r\n\r\nx\r\n"))
    ok(client.select()), ok(other.select())
    commands = [b"FETCH 1 (BODY.PEEK[])", b"UID SEARCH ALL", b"STATUS INBOX (MESSAGES)"] * 8
    commands += [b"UID FETCH 2 (FLAGS)", b"NOOP"]
    client.send(b"".join(b"p%d %s\r\n" % pair for pair in enumerate(commands)))
    # The server cannot be done with it; meanwhile others are served.
    ok(other.store("2", "+FLAGS", r"(\Deleted)")), ok(other.expunge())
    done, expunged, got = [], 0, 0
    while len(done) < len(commands):
        line = client.readline()
        literal = re.search(rb"\{(\d+)\}\r\n$", line)
        if literal:
            assert client.read(int(literal[1])) == big
            got += 1
        elif line.startswith(b"p"):
            done.append(line.split()[:2])
        elif line.endswith(b"EXPUNGE\r\n"):
            expunged += 1
    assert done == [[b"p%d" % n, b"OK"] for n in range(len(commands))], done
    assert (got, expunged) == (8, 1)


def gone():
    deliver("Subject: one\r\n\r\n")
    first, second = imap(), imap()
    ok(first.create("Other"))
    for client in (first, second):
        ok(client.select("INBOX"))
    ok(first.store("1", "+FLAGS", "(\\Deleted)"))
    ok(first.expunge())
    # The second has not heard of it yet, and is not told that it has a copy.
    kind, text = second.copy("1", "Other")
    assert kind == "NO" and b"[EXPUNGEISSUED]" in text[0], (kind, text)
    ok(second.uid("COPY", "1", "Other"))


def mailboxes():
    client = imap()
    names = lambda *of: [line.decode().split(' "/" ')[1].strip('"') for line in ok(client.list(*of)) if line]
    for name in ["Lists/Rust", "Sent", "Entw&APw-rfe", '"with space"']:
        ok(client.create(name))
    assert names() == ["Entw&APw-rfe", "INBOX", "Lists", "Lists/Rust", "Sent", "with space"]
    assert names('""', "%") == ["Entw&APw-rfe", "INBOX", "Lists", "Sent", "with space"]
    assert names("Lists/", "*") == ["Lists/Rust"]
    assert client.create("Sent")[0] == client.create("INBOX")[0] == client.create("a//b")[0] == "NO"
    assert client.create("../x")[0] == client.delete("INBOX")[0] == client.delete("none")[0] == "NO"
    ok(client.rename("Lists", "Old/Lists"))
    assert names('""', "Old*") == ["Old", "Old/Lists", "Old/Lists/Rust"]
    ok(client.subscribe("Old/Lists/Rust")), ok(client.subscribe("none"))
    lsub = lambda pattern: [l.decode().split(' "/" ')[1] for l in ok(client.lsub('""', pattern)) if l]
    assert lsub("*") == ["INBOX", "Old/Lists/Rust", "none"], lsub("*")
    assert lsub("%") == ["INBOX", "Old", "none"]
    ok(client.unsubscribe("none"))
    ok(client.append("Sent", None, None, b"Subject: a\r\n\r\nx\r\n"))
    status = ok(client.status("Sent", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))[0].decode()
    assert re.fullmatch(r"Sent \(MESSAGES 1 RECENT 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1\)", status), status
    typ, text = client.append("nowhere", None, None, b"Subject: a\r\n\r\nx\r\n")
    assert typ == "NO" and b"TRYCREATE" in text[0], text
    ok(client.select("Sent"))
    typ, text = client.copy("1", "nowhere")
    assert typ == "NO" and b"TRYCREATE" in text[0], text
    ok(client.copy("1", "Entw&APw-rfe"))
    before = ok(client.status("Sent", "(UIDVALIDITY)"))
    ok(client.close()), ok(client.delete("Sent")), ok(client.create("Sent"))
    assert ok(client.status("Sent", "(UIDVALIDITY)")) != before
    assert b"MESSAGES 1" in ok(client.status("Entw&APw-rfe", "(MESSAGES)"))[0]
    assert client.select("nowhere")[0] == "NO"


def search():
    client = imap()
    date = lambda d: f'"{d} 12:00:00 +0000"'
    ok(client.append("INBOX", r"(\Seen)", date("01-Jan-2024"),
        b"From: Ann <ann@x.org>\r\nTo: bob@y.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        b"Date: Sat, 30 Dec 2023 23:00:00 -0500\r\n\r\napples\r\n"))
    ok(client.append("INBOX", r"(\Flagged $Work)", date("02-Jan-2024"),
        b"From: bob@y.org\r\nCc: carol@z.org\r\nBcc: dave@z.org\r\nSubject: second\r\nX-Tag: blue\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"QmlybmVuIHVuZCDDhHBmZWw=\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nneedle\r\n--b--\r\n"))
    ok(client.append("INBOX", r"(\Answered \Deleted)", date("03-Jan-2024"),
        b"Subject: third\r\n\r\n" + b"long line of text\r\n" * 1000))
    ok(client.select())
    find = lambda *keys: [int(n) for n in ok(client.search(None, *keys))[0].split()]
    for keys, numbers in [
        ("ALL", [1, 2, 3]), ("SEEN", [1]), ("UNSEEN", [2, 3]), ("FLAGGED", [2]), ("DELETED", [3]),
        ("ANSWERED UNSEEN", [3]), ("KEYWORD $work", [2]), ("UNKEYWORD $Work", [1, 3]), ("DRAFT", []),
        ("FROM ann", [1]), ("FROM Y.ORG", [2]), ("TO bob", [1]), ("CC carol", [2]), ("BCC dave", [2]),
        ("SUBJECT second", [2]), ("HEADER X-Tag blue", [2]), ('HEADER X-Tag ""', [2]), ("HEADER X-Tag red", []),
        ("BODY apples", [1]), ("BODY birnen", [2]), ("TEXT second", [2]), ("BODY second", []),
        ("SINCE 2-Jan-2024", [2, 3]), ("BEFORE 2-Jan-2024", [1]), ("ON 2-Jan-2024", [2]),
        ("SENTON 30-Dec-2023", [1]), ("SENTBEFORE 1-Jan-2024", [1]), ("SENTSINCE 31-Dec-2023", []),
        ("LARGER 5000", [3]), ("SMALLER 5000", [1, 2]), ("NOT (OR SEEN FLAGGED)", [3]),
        ("OR FROM ann SUBJECT third", [1, 3]), ("2:* UNDELETED", [2]), ("UID 1,3", [1, 3]),
        ("RECENT", [1, 2, 3]), ("NEW", [2, 3]), ("OLD", []), ("NOT BODY apples", [2, 3]),
    ]:
        assert find(keys) == numbers, (keys, find(keys), numbers)
    client.literal = "grüße".encode()
    assert ok(client.search("UTF-8", "SUBJECT")) == [b"1"]
    client.literal = "äpfel".encode()
    assert ok(client.uid("SEARCH", "CHARSET", "UTF-8", "BODY")) == [b"2"]
    typ, text = client.search("KOI8-R", "ALL")
    assert typ == "NO" and b"BADCHARSET" in text[0], text


def structure():
    content = (
        b'From: "Ann \\"A\\" Smith" <ann@x.org>\r\nTo: a@b.c, Group: d@e.f;\r\nSubject: =?utf-8?q?=C3=BC?=\r\n'
        b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <id@x>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="out"\r\n\r\npreamble\r\n'
        b"--out\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nfirst\r\n"
        b'--out\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename="m.eml"\r\n\r\n'
        b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
        b"--in\r\nContent-Type: text/plain\r\n\r\ninner text\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>\r\n--in--\r\n"
        b"\r\n--out--\r\n")
    client = imap()
    ok(client.append("INBOX", None, None, content))
    ok(client.select())
    part = lambda section: whole(client, 1, f"BODY.PEEK[{section}]")
    assert part("1") == b"first"
    assert part("1.MIME") == b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    assert part("2.HEADER") == b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
    assert part("2.1") == b"inner text" and part("2.2") == b"<p>"
    assert part("2.HEADER.FIELDS (subject)") == b"Subject: inner\r\n\r\n"
    assert part("HEADER.FIELDS.NOT (FROM TO DATE CONTENT-TYPE)") == \
        b"Subject: =?utf-8?q?=C3=BC?=\r\nMessage-ID: <id@x>\r\nMIME-Version: 1.0\r\n\r\n"
    assert b"NIL" in ok(client.fetch("1", "(BODY.PEEK[7])"))[0]
    for _ in range(2):  # computed, then from what was kept
        answer = ok(client.fetch("1", "(ENVELOPE)"))[0]
        answer = answer if isinstance(answer, bytes) else b"".join(answer)
        assert b'"=?utf-8?q?=C3=BC?="' in answer and b'"<id@x>"' in answer, answer
        answer = ok(client.fetch("1", "(BODYSTRUCTURE)"))[0].decode().lower()
        for expected in ['("text" "plain" ("charset" "utf-8") nil nil "7bit" 5 ', '"message" "rfc822"',
                         '"alternative"', '("attachment" ("filename" "m.eml"))', '"mixed" ("boundary" "out")']:
            assert expected in answer, (expected, answer)
    assert b"EXISTS" not in ok(client.fetch("1", "FULL"))[0]


def login():
    bare = imaplib.IMAP4("localhost", PORTS["imap"], timeout=60)
    assert "LOGINDISABLED" in bare.capabilities
    try:
        bare.login("ann", PASSWORD)
        raise AssertionError("taken in clear")
    except imaplib.IMAP4.error as error:
        assert "PRIVACYREQUIRED" in str(error) or "TLS" in str(error).upper(), error
    for name in ["ann", "ANN@localhost"]:
        client = imap(user=None)
        ok(client.login(name, PASSWORD))
        client.logout()
        client = imap(user=None)
        ok(client.authenticate("PLAIN", lambda _: f"\0{name}\0{PASSWORD}".encode()))
        client.logout()
        smtp("submission", name).quit()
    client = imap(user=None)
    for claim in [("ann", "wrong"), ("nobody", PASSWORD), ("ann@elsewhere.org", PASSWORD)]:
        try:
            client.login(*claim)
            raise AssertionError(f"{claim} got in")
        except imaplib.IMAP4.error as error:
            assert "AUTHENTICATIONFAILED" in str(error), error
    try:
        client.login("ann", PASSWORD)
        raise AssertionError("a fourth try")
    except (imaplib.IMAP4.abort, OSError):
        pass
    submission = smtp("submissions")
    submission.ehlo()
    for password in ["wrong", "again", "and again", "and again"]:
        code = submission.docmd("AUTH", "PLAIN " + base64.b64encode(
            f"\0ann\0{password}".encode()).decode())[0]
        assert code in (535, 421), code
    try:
        code = submission.docmd("NOOP")[0]
        assert code == 421, code
    except smtplib.SMTPServerDisconnected:
        pass
    # Nobody acts as, or submits in the name of, somebody else.
    client = imap(user=None)
    try:
        client.authenticate("PLAIN", lambda _: f"bob\0ann\0{PASSWORD}".encode())
        raise AssertionError("ann acts as bob")
    except imaplib.IMAP4.error:
        pass
    with smtp("submission", "ann") as client:
        client.ehlo()
        assert client.mail("bob@localhost")[0] == 550
        assert client.mail("Ann@localhost")[0] == 250
        assert client.rcpt("somebody@example.com")[0] == 550


def remember():
    with smtp("submission", "bob") as client:
        for n in range(3):
            client.sendmail("bob@localhost", ["ann@localhost"], f"Subject: {n}\r\n\r\nx\r\n")
    client = imap()
    ok(client.create("Kept"))
    ok(client.select())
    ok(client.copy("1:2", "Kept"))
    ok(client.store("1", "+FLAGS", r"(\Deleted)"))
    ok(client.expunge())
    ok(client.store("1", "FLAGS", r"(\Flagged $Kept)"))
    client.logout()
    remembered()


def remembered():
    client = imap()
    state = {}
    for name in ["INBOX", "Kept"]:
        ok(client.select(name, readonly=True))
        validity = client.response("UIDVALIDITY")[1]
        fetched = ok(client.fetch("1:*", "(UID FLAGS RFC822.SIZE INTERNALDATE)"))
        lines = [line.decode().replace(" \\Recent", "").replace("\\Recent", "") for line in fetched]
        state[name] = [validity[0].decode(), lines]
    print(json.dumps(state))


def submit():
    for kind, content in [
        ("submission", "From: ann@mail.test\r\nSubject: short\r\n\r\nhello\r\n"),
        ("submissions", "From: ann@mail.test\r\nSubject: long\r\n\r\n" + "line\r\n" * 200_000),
        ("submission", "From: ann@mail.test\r\nSubject: no body\r\n\r\n"),
    ]:
        with smtp(kind, "ann@mail.test") as client:
            client.sendmail("ann@mail.test", ["bob@mail.test"], content)
    with smtp("submission", "ann") as client:
        try:
            client.sendmail("ann@mail.test", ["bob@mail.test"], "Subject: no sender\r\n\r\nx\r\n")
            raise AssertionError("signed without From")
        except smtplib.SMTPDataError as error:
            assert error.smtp_code == 550, error
    with smtp("submission", "ann") as client:
        for author in ["bob@mail.test", "Ann <ann@mail.test>, =?utf-8?q?Bob?= <BOB@Mail.Test>"]:
            try:
                client.sendmail("ann@mail.test", ["bob@mail.test"], f"From: {author}\r\n\r\nx\r\n")
                raise AssertionError("signed in the name of bob")
            except smtplib.SMTPDataError as error:
                assert error.smtp_code == 550 and b"5.7.1" in error.smtp_error, error


globals()[{"bytes": "bytes_"}.get(sys.argv[1], sys.argv[1])]()
