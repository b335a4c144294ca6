#!/usr/bin/env bash
# Mail programs that are not ours against the mail server, comparing bytes.
#
#   interop/run.sh              builds the release server, runs every program that is here
#   interop/run.sh --quick      small messages only
#   interop/run.sh [--quick] --server BINARY
#
# It installs nothing. On Debian:
#   apt-get install -y --no-install-recommends python3 curl openssl isync msmtp fetchmail \
#       swaks libio-socket-ssl-perl libnet-ssleay-perl libauthen-sasl-perl
set -euo pipefail
cd "$(dirname "$0")/.."

command -v python3 >/dev/null || { echo "interop: needs python3" >&2; exit 69; }

case " $* " in
*" --server "*) ;;
*)
    cargo build --release --bin mail-server
    set -- "$@" --server "${CARGO_TARGET_DIR:-target}/release/mail-server"
    ;;
esac
exec python3 interop/run.py "$@"
