"""What mail programs of others read in the messages of a corpus, beside what we read.

    interop/mime.py --scop BINARY --server BINARY [--corpus DIR] [--show]

Judges: Dovecot's IMAP (ENVELOPE, BODYSTRUCTURE, sizes, sections, BINARY sizes) and Python's
`email` (trees, decoded bodies; the same again of the message as `--sanitise` writes it),
munpack (attachments as files), openssl (what S/MIME signs). `mime-differences.tsv` lists where
they differ from us, who is right and why; every other difference fails, and so does one in the
list that is gone. Each of Dovecot's was looked at where the two first differ, each of email's
against the defects that are told of the message. --show prints both sides.
"""

import argparse
import collections
import email
import email.policy
import hashlib
import imaplib
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import run

HERE = pathlib.Path(__file__).resolve().parent
DOVECOT = pathlib.Path("/usr/lib/dovecot/imap")
imaplib._MAXLINE = 100_000_000


class Atom(bytes):
    """What stands in IMAP data without quotes."""


def tokens(parts):
    """imaplib's answer to one FETCH, as nested lists of bytes, numbers and None."""
    stack = [[]]
    word = re.compile(rb'[^\s()"\[]+(?:\[[^\]]*\](?:<\d+>)?)?')
    for part in parts:
        text, literal = part if isinstance(part, tuple) else (part, None)
        if literal is not None:
            text = text[:text.rindex(b"{")].removesuffix(b"~")
        at = 0
        while at < len(text):
            c = text[at:at + 1]
            if c == b" ":
                at += 1
            elif c == b"(":
                stack.append([])
                at += 1
            elif c == b")":
                done = stack.pop()
                stack[-1].append(done)
                at += 1
            elif c == b'"':
                quoted = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(text, at)
                stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted[1], flags=re.S))
                at = quoted.end()
            else:
                found = word.match(text, at)
                stack[-1].append(None if found[0] == b"NIL" else int(found[0]) if found[0].isdigit() else Atom(found[0]))
                at = found.end()
        if literal is not None:
            stack[-1].append(literal)
    return stack[0]


class Imap:
    def __init__(self, connect):
        self.connect = connect
        self.client = connect()

    def append(self, message):
        # imaplib would mend line ends.
        self.client.literal = message
        typ, said = self.client._simple_command("APPEND", "INBOX")
        assert typ == "OK", said

    def fetch(self, number, items):
        """The items by name; None if the server says NO."""
        try:
            typ, said = self.client.fetch(str(number), f"({' '.join(items)})")
        except imaplib.IMAP4.abort:
            # Dovecot hangs up where it is asked for the size of what is badly encoded.
            self.client = self.connect()
            self.client.select(readonly=True)
            return None
        if typ != "OK" or said == [None]:
            return None
        answers = iter(tokens(said))
        found = {}
        for whose, items in zip(answers, answers):
            names = iter(items if whose == number else [])
            found |= {name.decode("latin-1").upper(): value for name, value in zip(names, names)}
        return found


def crlf(text):
    return re.sub(rb"(?<!\r)\n", b"\r\n", text)


# What Dovecot says in words of its own, or as it may: not a difference.

def plain(text):
    """Space at the ends and its amount within are not kept where a field is unfolded."""
    return re.sub(rb"\s+", b" ", text).strip() if isinstance(text, bytes) else text


def plain_addresses(addresses):
    # It has words for what is missing. NIL is only for groups (RFC 3501 7.4.2): we say nothing.
    nothing = {b"MISSING_DOMAIN": b"", b"MISSING_MAILBOX": b"", b"SYNTAX_ERROR": b""}
    return addresses and [[nothing.get(plain(x), plain(x)) for x in one] for one in addresses]


def plain_envelope(envelope):
    return envelope and [plain_addresses(x) if isinstance(x, list) else plain(x) for x in envelope]


def plain_parameters(parameters, text=False):
    pairs = iter(parameters or [])
    pairs = [(name.lower(), plain(value)) for name, value in zip(pairs, pairs)]
    # The default may be said or not (RFC 2045 5.2).
    return [pair for pair in pairs if not (text and pair == (b"charset", b"us-ascii"))]


def plain_extension(values):
    """[md5,] disposition, language, location: as many as are there."""
    def one(value):
        if isinstance(value, list) and len(value) == 2 and isinstance(value[1], list | None):
            return [plain(value[0]).lower(), plain_parameters(value[1])]
        # One language may stand without parentheses.
        return plain(value[0]) if isinstance(value, list) and len(value) == 1 else plain(value)
    return [one(value) for value in values]


def plain_structure(body):
    if isinstance(body[0], list):
        count = next((n for n, x in enumerate(body) if not isinstance(x, list)), len(body))
        parts = [plain_structure(part) for part in body[:count]]
        subtype, parameters, *rest = body[count:]
        return ["multipart", subtype.lower(), parts, plain_parameters(parameters), plain_extension(rest)]
    kind, subtype, parameters, *fixed = body
    kind, subtype = kind.lower(), subtype.lower()
    identity, description, encoding, octets, *rest = fixed
    out = [kind, subtype, plain_parameters(parameters, kind == b"text"), plain(identity), plain(description),
           encoding.lower(), octets]
    if kind == b"text":
        out.append(rest.pop(0))
    elif kind == b"message" and subtype in (b"rfc822", b"global") and rest and isinstance(rest[0], list):
        out += [plain_envelope(rest.pop(0)), plain_structure(rest.pop(0)), rest.pop(0)]
    return out + [plain_extension(rest)]


def numbers(body):
    """The part numbers of a BODYSTRUCTURE, each with its octets, None for a multipart (RFC 3501 6.4.5)."""
    single = not isinstance(body[0], list)
    if single:
        yield (1,), body[6]
    yield from numbers_within(body, (1,) if single else ())


def numbers_within(body, path):
    if isinstance(body[0], list):
        for n, part in enumerate(itertools.takewhile(lambda x: isinstance(x, list), body), 1):
            yield path + (n,), None if isinstance(part[0], list) else part[6]
            yield from numbers_within(part, path + (n,))
    elif body[0].lower() == b"message" and body[1].lower() in (b"rfc822", b"global") and isinstance(body[8], list):
        inner = body[8]
        if not isinstance(inner[0], list):
            path += (1,)
            yield path, inner[6]
        yield from numbers_within(inner, path)


class Report:
    def __init__(self, show):
        self.show = show
        self.known = {}
        for line in (HERE / "mime-differences.tsv").read_text().splitlines()[1:]:
            judge, file, what, right, why = line.split("\t")
            self.known[judge, file, what] = (right, why)
        self.seen = set()
        self.new = []
        self.same = collections.Counter()

    def compare(self, judge, file, what, ours, theirs):
        if ours == theirs:
            self.same[judge] += 1
            return
        key = (judge, file, what)
        self.seen.add(key)
        if key not in self.known:
            self.new.append(key)
        if self.show or key not in self.known:
            print(f"{judge}\t{file}\t{what}\n   ours   {str(ours)[:600]}\n   theirs {str(theirs)[:600]}")

    def end(self, judges, files):
        gone = [key for key in self.known if key[0] in judges and key[1] in files and key not in self.seen]
        for key in gone:
            print("no longer different, take it out of mime-differences.tsv:", *key)
        for judge in judges:
            known = sum(1 for key in self.seen if key[0] == judge and key in self.known)
            new = sum(1 for key in self.new if key[0] == judge)
            print(f"{judge}: {self.same[judge]} the same, {known} differences known, {new} new")
        return not gone and not self.new


def ask_scop(scop, message):
    done = subprocess.run([scop, "mime", "--json", "-"], input=message, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def leaves(part):
    """In order. Without recursion: a message may be nested deeper than Python goes."""
    open_ = [part]
    while open_:
        part = open_.pop()
        open_ += reversed(part["parts"])
        if not part["parts"]:
            yield part


def python_email(report, scop, messages):
    for file, message in messages.items():
        ours = [(leaf["type"], leaf["decoded_sha256"]) for leaf in leaves(ask_scop(scop, message)["root"])]
        theirs = python_leaves(email.message_from_bytes(message, policy=email.policy.compat32))
        # It reads reports as messages, and an encoded message as one that is not: there is
        # nothing to compare but that the part is there.
        ours = [(kind, None if n < len(theirs) and theirs[n][1] is None else digest)
                for n, (kind, digest) in enumerate(ours)]
        report.compare("email", file, "types", [kind for kind, _ in ours], [kind for kind, _ in theirs])
        if [kind for kind, _ in ours] == [kind for kind, _ in theirs]:
            report.compare("email", file, "bodies", ours, theirs)


def sanitised(report, scop, messages):
    """What `--sanitise` writes is read alike: nothing in it is left to the reader."""
    for file, message in messages.items():
        done = subprocess.run([scop, "mime", "--sanitise", "-"], input=message, capture_output=True, timeout=120)
        assert done.returncode == 0, (file, done.stderr)
        found = email.message_from_bytes(done.stdout, policy=email.policy.compat32)
        theirs = python_leaves(found)
        ours = [(leaf["type"], leaf["decoded_sha256"]) for leaf in leaves(ask_scop(scop, done.stdout)["root"])]
        ours = [(kind, None if n < len(theirs) and theirs[n][1] is None else digest)
                for n, (kind, digest) in enumerate(ours)]
        report.compare("sanitised", file, "all", ours, theirs)


def munpack(report, scop, messages):
    """Attachments in base64 come out as the same files, whatever their names."""
    for file, message in messages.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            mail, ours, theirs = folder / "mail", folder / "ours", folder / "theirs"
            mail.write_bytes(message)
            ours.mkdir()
            theirs.mkdir()
            wanted = {leaf["id"] for leaf in leaves(ask_scop(scop, message)["root"])
                      if leaf["encoding"] == "base64" and not leaf["type"].startswith(("text/", "message/", "multipart/"))}
            if not wanted:
                continue
            said = run.run(scop, "mime", "--extract", ours, "--all", mail).decode()
            # A line of each file, and its defects below it, indented.
            clean = re.findall(r"^(.*): part ([0-9.]+), .*\n(?!  )", said, re.M)
            files = {pathlib.Path(path) for path, part in clean if part in wanted}
            assert all(path.parent == ours for path in files), files
            subprocess.run(["munpack", "-q", "-t", "-C", theirs, mail], capture_output=True, timeout=120)
            there = {sha256(path.read_bytes()) for path in theirs.rglob("*") if path.is_file()}
            missing = sorted(path.name for path in files if sha256(path.read_bytes()) not in there)
            report.compare("munpack", file, "files", missing, [])


def openssl(scop):
    """What S/MIME signs is the first part, from its header to its last byte (RFC 1847 2.1)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        key, certificate, mail, out = folder / "key", folder / "certificate", folder / "mail", folder / "out"
        run.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                "-subj", "/CN=judge", "-days", "30")
        text = b"Content-Type: text/plain\r\n\r\nHello\r\n\r\n"
        signed = run.run("openssl", "smime", "-sign", "-signer", certificate, "-inkey", key, content=text)
        mail.write_bytes(signed)
        content, signature = ask_scop(scop, signed)["root"]["parts"]
        assert signature["type"] == "application/x-pkcs7-signature", signature
        said = run.run(scop, "mime", "--extract", out, mail).decode()
        file = next(path for path in out.iterdir() if path.suffix == ".p7s"), said
        end = content["body_offset"] + content["body_length"]
        for range_, good in [((content["offset"], end), True), ((content["offset"], end - 1), False),
                             ((content["body_offset"], end), False)]:
            (folder / "content").write_bytes(signed[slice(*range_)])
            done = subprocess.run(["openssl", "smime", "-verify", "-noverify", "-inform", "DER", "-in", file[0],
                                   "-content", folder / "content"], capture_output=True, timeout=60)
            assert (done.returncode == 0) == good, (range_, done.stderr)
    print("openssl: the signed range verifies, and nothing else does")


def python_leaves(part):
    kind = part.get_content_type()
    message = kind in ("message/rfc822", "message/global")
    encoded = part.get("content-transfer-encoding", "").strip().lower() in ("base64", "quoted-printable")
    if part.is_multipart() and (kind.startswith("message/") and not message or message and encoded):
        return [(kind, None)]
    if part.is_multipart():
        return [leaf for child in part.get_payload() for leaf in python_leaves(child)]
    body = part.get_payload(decode=True) or b""
    return [(kind, sha256(body))]


def dovecot(report, scop, server, messages):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        mail, conf = folder / "mail", folder / "dovecot.conf"
        mail.mkdir()
        folder.chmod(0o755)
        shutil.chown(mail, "nobody", "nogroup")
        conf.write_text(f"base_dir = {folder}/run\nlog_path = /dev/null\nmail_location = maildir:{mail}/Maildir\n"
                        "ssl = no\nmail_uid = nobody\nmail_gid = nogroup\n")
        command = ["exec", "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", f"HOME={mail}",
                   "USER=nobody", str(DOVECOT), "-c", str(conf), "2>/dev/null"]
        theirs = Imap(lambda: imaplib.IMAP4_stream(" ".join(command)))
        ours = run.Server(server, folder, ["judge"])
        try:
            def connect():
                client = imaplib.IMAP4_SSL("localhost", ours.port["imaps"], ssl_context=ours.tls)
                client.login("judge", run.PASSWORD)
                return client
            compare_servers(report, scop, Imap(connect), theirs, messages)
        finally:
            theirs.client.shutdown()
            ours.process.kill()
            ours.process.wait()


def compare_servers(report, scop, ours, theirs, messages):
    for server in (ours, theirs):
        for message in messages.values():
            server.append(crlf(message))
        server.client.select(readonly=True)
    for number, (file, message) in enumerate(messages.items(), 1):
        basic = ["RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE"]
        mine, other = ours.fetch(number, basic), theirs.fetch(number, basic)
        report.compare("dovecot", file, "RFC822.SIZE", mine["RFC822.SIZE"], other["RFC822.SIZE"])
        report.compare("dovecot", file, "ENVELOPE", plain_envelope(mine["ENVELOPE"]), plain_envelope(other["ENVELOPE"]))
        a, b = plain_structure(mine["BODYSTRUCTURE"]), plain_structure(other["BODYSTRUCTURE"])
        report.compare("dovecot", file, "BODYSTRUCTURE", a, b)
        # What is announced is what comes, whatever anybody thinks of the message.
        parts = list(numbers(mine["BODYSTRUCTURE"]))[:200]
        names = [".".join(map(str, path)) for path, _ in parts]
        sections = ["BODY[HEADER]", "BODY[TEXT]", *(f"BODY[{n}]" for n in names), *(f"BODY[{n}.MIME]" for n in names)]
        got = ours.fetch(number, [s.replace("BODY[", "BODY.PEEK[") for s in sections])
        said = {name: octets for name, (_, octets) in zip(names, parts) if octets is not None}
        # A multipart without parts is said to have an empty one, which cannot be had.
        assert {name: len(got[f"BODY[{name}]"] or b"") for name in said} == said, file
        assert len(got["BODY[HEADER]"]) + len(got["BODY[TEXT]"]) == mine["RFC822.SIZE"], file
        if a != b:
            continue
        want = theirs.fetch(number, [s.replace("BODY[", "BODY.PEEK[") for s in sections])
        multiparts = {f"BODY[{name}]" for name, (_, octets) in zip(names, parts) if octets is None}
        for section in sections:
            # It says nothing of what is not there, we say that it is not. The line end before a
            # delimiter belongs to that (RFC 2046 5.1.1): Dovecot takes the empty line behind a
            # header for it, and gives it to a close delimiter of a multipart within.
            a, b = got[section] or b"", want[section] or b""
            if section.endswith(".MIME]"):
                a, b = a.rstrip(b"\r\n"), b.rstrip(b"\r\n")
            elif section in multiparts:
                a, b = a.removesuffix(b"\r\n"), b.removesuffix(b"\r\n")
            report.compare("dovecot", file, section, a, b)
        for leaf in leaves(ask_scop(scop, crlf(message))["root"]):
            if leaf["encoding"] in ("base64", "quoted-printable"):
                # It refuses what is badly encoded. (Its BINARY.SIZE is wrong, up to 2^64 - 1066.)
                answer = theirs.fetch(number, [f"BINARY.PEEK[{leaf['id']}]"])
                if answer is not None:
                    decoded = answer[f"BINARY[{leaf['id']}]"] or b""
                    report.compare("dovecot", file, f"BINARY[{leaf['id']}]", leaf["decoded_sha256"], sha256(decoded))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--scop", required=True)
    arguments.add_argument("--server", required=True)
    arguments.add_argument("--corpus", type=pathlib.Path, default=HERE / "../../shared/corpus/mime")
    arguments.add_argument("--show", action="store_true")
    arguments.add_argument("--only", help="files whose name has this in it")
    arguments.add_argument("--skip-email", action="store_true")
    arguments = arguments.parse_args()
    if not (arguments.corpus / "INDEX.tsv").exists():
        print(f"skipped mime: no corpus at {arguments.corpus}")
        return 0
    lines = (arguments.corpus / "INDEX.tsv").read_text().splitlines()[1:]
    files = [line.split("\t")[0] for line in lines]
    files = [file for file in files if not file.endswith(".xml") and (arguments.only or "") in file]
    messages = {file: (arguments.corpus / file).read_bytes() for file in files}
    report, judges = Report(arguments.show), []
    if not arguments.skip_email:
        judges += ["email", "sanitised"]
        python_email(report, arguments.scop, messages)
        sanitised(report, arguments.scop, messages)
    if shutil.which("openssl"):
        openssl(arguments.scop)
    else:
        print("skipped openssl: not installed")
    if shutil.which("munpack"):
        judges.append("munpack")
        munpack(report, arguments.scop, messages)
    else:
        print("skipped munpack: not installed (apt-get install mpack)")
    if DOVECOT.exists() and shutil.which("setpriv"):
        judges.append("dovecot")
        dovecot(report, arguments.scop, arguments.server, messages)
    else:
        print("skipped dovecot: not installed, or no setpriv (apt-get install dovecot-imapd)")
    return 0 if report.end(judges, messages) else 1


if __name__ == "__main__":
    sys.exit(main())
