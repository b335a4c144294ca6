"""Mail authentication between programs that are not ours and the mail server.

    auth.py --server BINARY --scop BINARY

Others sign and swaks delivers: the server enforces DMARC with the records of a zone file, and what it wrote into
Authentication-Results is read by `authres`. Then a user submits, the server signs twice, and dkimpy verifies. Needs
swaks and openssl, and of Python dkimpy, pynacl and authres; Mail::DKIM where it is installed.
"""

import argparse
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile

import run as interop

PERL = """
use strict; use Mail::DKIM::Signer;
my ($file, $canonicalization) = @ARGV;
my $signer = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $canonicalization, Domain => 'rsa.test',
    Selector => 'k', KeyFile => $file);
local $/; my $text = <STDIN>;
$signer->PRINT($text); $signer->CLOSE;
print $signer->signature->as_string, "\\r\\n", $text;
"""
MESSAGE = (b"From: Ann <ann@%s>\r\nTo: bob@mail.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
           b"Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%s@interop>\r\n\r\n"
           b"Hello  there \r\n.\r\n..two dots\r\n\r\n\r\n")


def keys(scop, folder):
    """Private keys, by domain, and the zone in which their public halves are."""
    rsa, ed = folder / "rsa.pem", folder / "ed25519.pem"
    interop.run("openssl", "genrsa", "-traditional", "-out", rsa, "2048")
    zone = interop.run(scop, "dkim", "record", "--key", rsa, "--domain", "rsa.test", "--selector", "k")
    zone += interop.run(scop, "dkim", "keygen", "--key", ed, "--domain", "ed.test", "--selector", "k")
    for selector, key in [("one", rsa), ("two", ed)]:
        zone += interop.run(scop, "dkim", "record", "--key", key, "--domain", "mail.test", "--selector", selector)
    for domain in ["rsa.test", "ed.test"]:
        zone += f'{domain}. IN TXT "v=spf1 -all"\n_dmarc.{domain}. IN TXT "v=DMARC1; p=reject"\n'.encode()
    zone += b'spf.test. IN TXT "v=spf1 ip4:127.0.0.0/8 -all"\n_dmarc.spf.test. IN TXT "v=DMARC1; p=reject"\n'
    (folder / "zone").write_bytes(zone)
    return {"rsa.test": rsa, "ed.test": ed}


def by_dkimpy(domain, file, canonicalization, message):
    import dkim
    header, body = canonicalization.encode().split(b"/")
    key = file.read_bytes()
    if domain == "ed.test":
        # dkimpy wants the seed in base64: the last 32 bytes of the PKCS#8 document.
        import base64
        key = base64.b64encode(base64.b64decode(b"".join(key.splitlines()[1:-1]))[-32:])
    algorithm = b"ed25519-sha256" if domain == "ed.test" else b"rsa-sha256"
    field = dkim.sign(message, b"k", domain.encode(), key, canonicalize=(header, body), signature_algorithm=algorithm)
    return field + message


def by_perl(domain, file, canonicalization, message):
    return interop.run("perl", "-e", PERL, file, canonicalization, content=message)


def swaks(server, sender, message, folder, code=0):
    """`code`: what swaks ends with; 26 when the message was refused behind DATA."""
    file = folder / "swaks.eml"
    file.write_bytes(b"\r\n".join(b"." + line if line.startswith(b".") else line
                                  for line in message.split(b"\r\n")) + b".\r\n")
    done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(server.port["smtp"]), "--helo", "mx.spf.test",
                           "--from", sender, "--to", "bob@mail.test", "--no-data-fixup", "--data", f"@{file}"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"swaks ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-500:]}"
    return done.stdout


def read(server, user):
    return interop.read_imaplib(server, "implicit", user, None)


def results(message):
    """Of the topmost field, (method, result) and the properties, as authres reads it."""
    import authres
    import email
    field = email.message_from_bytes(message)["Authentication-Results"]
    parsed = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + " ".join(field.split()))
    assert parsed.authserv_id == "mail.test", parsed
    return {(result.method, result.result): {f"{p.type}.{p.name}": p.value for p in result.properties}
            for result in parsed.results}


def signed_by_others(server, folder, private):
    signers = {"dkimpy": by_dkimpy}
    if subprocess.run(["perl", "-MMail::DKIM", "-e", "1"], capture_output=True).returncode == 0:
        signers["Mail::DKIM"] = by_perl
    else:
        print("skipped Mail::DKIM: not installed", flush=True)
    count = 0
    for name, sign in signers.items():
        for domain, file in private.items():
            if name == "Mail::DKIM" and domain == "ed.test":
                continue
            for canonicalization in ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]:
                number = str(count).encode()
                message = sign(domain, file, canonicalization, MESSAGE % (domain.encode(), number))
                swaks(server, "<>", message, folder)
                said = swaks(server, "<>", message.replace(b"Hello", b"Adieu"), folder, code=26)
                assert "550 5.7.26" in said, said
                found = results(read(server, "bob")[-1])
                assert ("dkim", "pass") in found and ("dmarc", "pass") in found, (name, canonicalization, found)
                assert found["dkim", "pass"]["header.d"] == domain, found
                assert found["dmarc", "pass"]["header.from"] == domain, found
                count += 1
    assert len(read(server, "bob")) == count, "nothing that was refused is there"


def sent_from_an_allowed_host(server, folder):
    message = MESSAGE % (b"spf.test", b"spf")
    forged = b"Authentication-Results: mail.test; dkim=pass header.d=bank.test\r\n"
    swaks(server, "ann@spf.test", forged + message, folder)
    text = read(server, "bob")[-1]
    found = results(text)
    assert found["spf", "pass"]["smtp.mailfrom"] == "ann@spf.test", found
    assert ("dkim", "none") in found and ("dmarc", "pass") in found, found
    assert b"bank.test" not in text, text
    swaks(server, "ann@spf.test", MESSAGE % (b"rsa.test", b"not aligned"), folder, code=26)


def signed_here(server, folder):
    import dkim
    interop.send_swaks(server, "starttls", "ann", MESSAGE % (b"mail.test", b"submitted"), folder, "mail.test")
    text = read(server, "ann")[-1]
    records = {}
    for line in (folder / "zone").read_text().splitlines():
        name, _, rest = line.partition(" IN TXT ")
        records[name.encode()] = "".join(rest.split('"')[1::2]).encode()
    verifier = dkim.DKIM(text)
    count = text.count(b"DKIM-Signature:")
    assert count == 2, text
    for number in range(count):
        assert verifier.verify(number, dnsfunc=lambda name, timeout=5: records.get(name)), (number, text)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", required=True)
    arguments.add_argument("--scop", required=True)
    arguments = arguments.parse_args()
    missing = [p for p in ["swaks", "openssl"] if not shutil.which(p)]
    missing += [m for m in ["dkim", "nacl", "authres"] if not importlib.util.find_spec(m)]
    if missing:
        print(f"skipped mail authentication: {', '.join(missing)} not installed (see interop/run.sh)")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        private = keys(arguments.scop, folder)
        server = interop.Server(arguments.server, folder, ["ann", "bob"], "--domain", "mail.test", "--zone", folder / "zone",
                                "--dmarc", "enforce", "--dkim-key", private["rsa.test"], "--dkim-selector", "one",
                                "--dkim-key", private["ed.test"], "--dkim-selector", "two")
        try:
            for name, check in [
                ("others sign, the server enforces DMARC", lambda: signed_by_others(server, folder, private)),
                ("SPF lets a host send", lambda: sent_from_an_allowed_host(server, folder)),
                ("the server signs twice, dkimpy verifies", lambda: signed_here(server, folder)),
            ]:
                try:
                    check()
                    print(f"ok      {name}", flush=True)
                except Exception as error:
                    failed += 1
                    print(f"FAILED  {name}: {error!r}", flush=True)
        finally:
            server.process.kill()
            server.process.wait()
            if failed:
                print(server.log.read_text(errors="replace")[-3000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
