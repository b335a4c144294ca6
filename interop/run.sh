#!/usr/bin/env bash
# Mail programs that are not ours against the mail server, comparing bytes.
#
#   interop/run.sh              builds the release server, runs every program that is here
#   interop/run.sh --quick      small messages only
#   interop/run.sh [--quick] --server BINARY
#   interop/run.sh --mime       only what they read in a corpus of messages: see mime.py
#   interop/run.sh --auth       only who signs and who verifies: see auth.py
#
# It installs nothing. On Debian:
#   apt-get install -y --no-install-recommends python3 curl openssl isync msmtp fetchmail \
#       swaks libmail-dkim-perl libio-socket-ssl-perl libnet-ssleay-perl libauthen-sasl-perl dovecot-imapd mpack
#   pip install dkimpy pynacl authres
set -euo pipefail
cd "$(dirname "$0")/.."

command -v python3 >/dev/null || { echo "interop: needs python3" >&2; exit 69; }

target=${CARGO_TARGET_DIR:-target}/release
case " $* " in
*" --server "*)
    exec python3 interop/run.py "$@"
    ;;
esac
cargo build --release --bin mail-server --bin scop
code=0
case " $* " in
*" --mime "* | *" --auth "*) ;;
*) python3 interop/run.py "$@" --server "$target/mail-server" || code=$? ;;
esac
case " $* " in
*" --mime "*) ;;
*) python3 interop/auth.py --scop "$target/scop" --server "$target/mail-server" || code=$? ;;
esac
case " $* " in
*" --auth "*) ;;
*) python3 interop/mime.py --scop "$target/scop" --server "$target/mail-server" || code=$? ;;
esac
exit "$code"
