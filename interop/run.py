"""See run.sh. Each sender is a user of its own, to whom it sends every message over
STARTTLS and over TLS at once; then each reader reads every user's mail both ways."""

import argparse
import base64
import imaplib
import os
import pathlib
import random
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time

PASSWORD = "correct-horse"
LISTENERS = ["smtp", "submission", "submissions", "imap", "imaps"]
MODES = ["starttls", "implicit"]
SENDER = "somebody@example.org"
imaplib._MAXLINE = 10_000_000


def attachment(size):
    """A message with an attachment of that many bytes."""
    data = random.Random(1).randbytes(size)
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return (b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="part"\r\n\r\n'
            b"--part\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n"
            b"--part\r\nContent-Type: application/octet-stream\r\n"
            b'Content-Disposition: attachment; filename="data.bin"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded + b"--part--\r\n")


def messages(quick):
    text = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" \
           b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    bodies = {
        "plain": text + b"Hello.\r\n",
        "eight-bit": text + "Grüße, Ελλάδα, 日本語\r\n".encode(),
        "dots": text + b".\r\n..\r\n...\r\n.leading\r\n.\r\n",
        "empty": text,
        "crlf-at-each-end": text + b"\r\n\r\nbetween\r\n\r\n\r\n",
        "attachment": attachment(100_000 if quick else 20 << 20),
    }
    header = b"From: Somebody <%s>\r\nTo: someone@localhost\r\nSubject: test\r\n" \
             b"Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%s@example.org>\r\nX-Test: %s\r\n"
    return {name: header % (SENDER.encode(), name.encode(), name.encode()) + body
            for name, body in bodies.items()}


class Server:
    def __init__(self, binary, folder, users, *options):
        self.data = folder / "data"
        self.log = folder / "server.log"
        command = [binary, "--data", str(self.data)]
        for name in LISTENERS:
            command += [f"--{name}", "127.0.0.1:0"]
        for user in users:
            command += ["--user", f"{user}:{PASSWORD}"]
        command += map(str, options)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while "\nready\n" not in (said := self.log.read_text(errors="replace")):
            assert self.process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.05)
        found = re.findall(r"^  (\w+) +127\.0\.0\.1:(\d+)", said, re.M)
        self.port = {name: int(port) for name, port in found}
        self.ca = str(self.data / "cert.pem")
        self.tls = ssl.create_default_context(cafile=self.ca)


def run(*command, content=None, env=None, timeout=600):
    done = subprocess.run([str(part) for part in command], input=content, capture_output=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    assert done.returncode == 0, f"{command[0]}: {done.returncode}\n" + \
        (done.stderr[-2000:] + done.stdout[-2000:]).decode(errors="replace")
    return done.stdout


# Senders: (server, mode, user, content, folder)

def send_smtplib(server, mode, user, content, _):
    if mode == "starttls":
        client = smtplib.SMTP("localhost", server.port["submission"], timeout=600)
        client.starttls(context=server.tls)
    else:
        client = smtplib.SMTP_SSL("localhost", server.port["submissions"], timeout=600, context=server.tls)
    with client:
        client.login(user, PASSWORD)
        client.sendmail(SENDER, [f"{user}@localhost"], content, mail_options=["BODY=8BITMIME"])


def send_curl(server, mode, user, content, folder):
    file = folder / "curl.eml"
    file.write_bytes(content)
    if mode == "starttls":
        where = [f"smtp://localhost:{server.port['smtp']}/client.example.org", "--ssl-reqd"]
    else:
        where = [f"smtps://localhost:{server.port['submissions']}/client.example.org", "--user", f"{user}:{PASSWORD}"]
    run("curl", "--silent", "--show-error", "--cacert", server.ca, *where, "--mail-from", SENDER,
        "--mail-rcpt", f"{user}@localhost", "--upload-file", file)


def send_swaks(server, mode, user, content, folder, domain="localhost"):
    file = folder / "swaks.eml"
    file.write_bytes(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
    if mode == "starttls":
        where = ["--port", server.port["submission"], "--tls"]
    else:
        where = ["--port", server.port["submissions"], "--tls-on-connect"]
    run("swaks", "--server", "localhost", *where, "--tls-verify", "--tls-ca-path", server.ca, "--timeout", "300",
        "--auth", "PLAIN", "--auth-user", user, "--auth-password", PASSWORD, "--helo", "client.example.org",
        "--from", SENDER, "--to", f"{user}@{domain}", "--silent", "2", "--no-data-fixup", "--data", f"@{file}")


def send_msmtp(server, mode, user, content, folder):
    # It takes what a Unix program writes, and makes CRLF of the line ends.
    config = folder / "msmtprc"
    port = server.port["submission" if mode == "starttls" else "submissions"]
    config.write_text(f"account default\nhost localhost\nport {port}\nauth plain\nuser {user}\npassword {PASSWORD}\n"
                      f"from {SENDER}\ntls on\ntls_starttls {'on' if mode == 'starttls' else 'off'}\n"
                      f"tls_trust_file {server.ca}\n")
    config.chmod(0o600)
    run("msmtp", "--file", config, f"{user}@localhost", content=content.replace(b"\r\n", b"\n"))


# Readers: (server, mode, user, folder) -> the messages

def read_imaplib(server, mode, user, _):
    if mode == "starttls":
        client = imaplib.IMAP4("localhost", server.port["imap"], timeout=600)
        client.starttls(server.tls)
    else:
        client = imaplib.IMAP4_SSL("localhost", server.port["imaps"], ssl_context=server.tls, timeout=600)
    client.login(user, PASSWORD)
    count = int(client.select(readonly=True)[1][0])
    found = [client.fetch(str(n), "(BODY.PEEK[])")[1][0][1] for n in range(1, count + 1)]
    client.logout()
    return found


def read_curl(server, mode, user, _):
    scheme = "imap" if mode == "starttls" else "imaps"
    where = f"{scheme}://localhost:{server.port[scheme]}"
    common = ["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", server.ca, "--user", f"{user}:{PASSWORD}"]
    status = run(*common, where, "-X", "STATUS INBOX (MESSAGES)")
    count = int(re.search(rb"MESSAGES (\d+)", status)[1])
    return [run(*common, f"{where}/INBOX;MAILINDEX={n}") for n in range(1, count + 1)]


def read_mbsync(server, mode, user, folder):
    store = folder / f"mbsync-{user}-{mode}"
    (store / "mail").mkdir(parents=True)
    port = server.port["imap" if mode == "starttls" else "imaps"]
    kind = "STARTTLS" if mode == "starttls" else "IMAPS"
    config = store / "mbsyncrc"
    config.write_text(f"IMAPStore far\nHost localhost\nPort {port}\nUser {user}\nPass {PASSWORD}\n"
                      f"SSLType {kind}\nCertificateFile {server.ca}\nAuthMechs LOGIN\n\n"
                      f"MaildirStore near\nPath {store}/mail/\nInbox {store}/mail/INBOX\nSubFolders Verbatim\n\n"
                      "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n")
    for _ in range(2):  # the second time has nothing to do
        run("mbsync", "-c", config, "-a")
    inbox = store / "mail" / "INBOX"
    files = [*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()]
    # A Maildir has the line ends of its system, and mbsync its mark in each header.
    plain = lambda text: re.sub(rb"(?m)^X-TUID: .*\n", b"", text).replace(b"\n", b"\r\n")
    found = [plain(file.read_bytes()) for file in files]
    # What changes here is changed there: a flag, a deletion, a new message.
    marker = b"Subject: from here\nX-Test: synchronised\n\nHello\n"
    (inbox / "cur" / "1.1.host:2,S").write_bytes(marker)
    run("mbsync", "-c", config, "-a")
    client = imaplib.IMAP4_SSL("localhost", server.port["imaps"], ssl_context=server.tls)
    client.login(user, PASSWORD)
    client.select()
    number = client.search(None, "HEADER", "X-Test", "synchronised", "SEEN")[1][0].split()
    assert len(number) == 1, f"what was added here is there {len(number)} times"
    client.store(number[0].decode(), "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    run("mbsync", "-c", config, "-a")
    left = len(list((inbox / "new").iterdir())) + len(list((inbox / "cur").iterdir()))
    assert left == len(found), "what was deleted there is still here"
    return found


def read_fetchmail(server, mode, user, folder):
    out = folder / f"fetchmail-{user}-{mode}"
    out.mkdir()
    config = out / "fetchmailrc"
    port = server.port["imap" if mode == "starttls" else "imaps"]
    kind = 'sslproto "TLS1.2+"' if mode == "starttls" else "ssl"
    # One file a message: `mktemp` names it.
    config.write_text(f'poll localhost protocol imap port {port} user "{user}" password "{PASSWORD}" {kind} '
                      f'sslcertck sslcertfile "{server.ca}" keep fetchall norewrite no mimedecode '
                      f'mda "cat > $(mktemp {out}/mail.XXXXXX)"\n')
    config.chmod(0o600)
    run("fetchmail", "-N", "--nosyslog", "--pidfile", out / "pid", "-f", config, env={"HOME": str(out)})
    return [file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for file in out.glob("mail.*")]


# Others

def openssl(server):
    """Verifies the certificate by name on every port, and says something inside."""
    for name, how, said, answer in [
        ("smtp", ["-starttls", "smtp"], b"NOOP\r\nQUIT\r\n", b"221 "),
        ("submission", ["-starttls", "smtp"], b"NOOP\r\nQUIT\r\n", b"221 "),
        ("submissions", [], b"EHLO x\r\nQUIT\r\n", b"221 "),
        ("imap", ["-starttls", "imap"], b"a LOGOUT\r\n", b"a OK"),
        ("imaps", [], b"a LOGOUT\r\n", b"a OK"),
    ]:
        got = run("openssl", "s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost",
                  "-CAfile", server.ca, "-crlf", "-connect", f"localhost:{server.port[name]}", *how,
                  content=said.replace(b"\r\n", b"\n"))
        assert answer in got, f"{name}: {got}"


SENDERS = {"smtplib": ("python3", send_smtplib), "curl": ("curl", send_curl), "swaks": ("swaks", send_swaks),
           "msmtp": ("msmtp", send_msmtp)}
READERS = {"imaplib": ("python3", read_imaplib), "curl": ("curl", read_curl), "mbsync": ("mbsync", read_mbsync),
           "fetchmail": ("fetchmail", read_fetchmail)}


def compare(found, sent, copies, header_changes):
    assert len(found) == copies * len(sent), f"{len(found)} messages instead of {copies * len(sent)}"
    seen = {name: 0 for name in sent}
    for message in found:
        name = re.search(rb"^X-Test: ([a-z-]+)\r$", message, re.M)[1].decode()
        expected, got = sent[name], message
        if header_changes:  # only what it says below its header is comparable
            expected, got = (m.split(b"\r\n\r\n", 1)[1].rstrip(b"\r\n") for m in (expected, got))
            assert got == expected, f"{name}: the body is not what was sent"
        else:
            assert got.endswith(expected), f"{name}: {len(got)} bytes do not end in the {len(expected)} sent"
        seen[name] += 1
    assert set(seen.values()) == {copies}, seen


def main():
    arguments = argparse.ArgumentParser(usage="run.sh [--quick] [--server BINARY]")
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--server", required=True)
    arguments = arguments.parse_args()
    sent = messages(arguments.quick)
    failed, skipped = [], []

    def step(name, function, *args):
        start = time.monotonic()
        try:
            result = function(*args)
        except Exception as error:
            failed.append(name)
            print(f"FAILED  {name}: {error}", flush=True)
            return None
        print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        return result

    def here(programs):
        there = {name: function for name, (program, function) in programs.items() if shutil.which(program)}
        skipped.extend(name for name in programs if name not in there)
        return there

    senders, readers = here(SENDERS), here(READERS)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = Server(arguments.server, folder, senders)
        try:
            if shutil.which("openssl"):
                step("openssl s_client, every port", openssl, server)
            else:
                skipped.append("openssl")
            for name, send in senders.items():
                for mode in MODES:
                    def every(name=name, mode=mode, send=send):
                        for content in sent.values():
                            send(server, mode, name, content, folder)
                    step(f"{name} sends, {mode}", every)
            for name, read in readers.items():
                for mode in MODES:
                    for user in senders:
                        def check(name=name, mode=mode, user=user, read=read):
                            found = read(server, mode, user, folder)
                            compare(found, sent, len(MODES), header_changes=name == "fetchmail")
                        step(f"{name} reads what {user} sent, {mode}", check)
            server.process.send_signal(signal.SIGTERM)
            code = server.process.wait(timeout=60)
            if code != 0:
                failed.append(f"the server ended with {code}")
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
            if failed:
                print(server.log.read_text(errors="replace")[-3000:])
    for name in skipped:
        print(f"skipped {name}: not installed (see interop/run.sh)")
    print(f"{len(failed)} failed: {failed}" if failed else "all is well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
