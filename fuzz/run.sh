#!/usr/bin/env bash
# Builds the fuzz targets and runs each with its seeds and its dictionary.
#
#   fuzz/run.sh [SECONDS [TARGET..]]     default: 10 seconds, every target
#
# Two targets run at a time (JOBS=n for another number). With FUZZ_FIXED=n each makes the
# same n runs from the same seed, less if the time is over: CI does that, so that it judges
# a change and not the dice. New inputs are found by long runs. What a run learns goes to
# fuzz/corpus/TARGET, what crashes to fuzz/artifacts/TARGET; neither is committed.
# The flags are those of `cargo fuzz build --sanitizer none` (the crates forbid
# unsafe code, so a sanitizer would only cost time); `cargo +nightly fuzz run TARGET`
# works here too, and finds the same targets.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=16 \
-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
# `--target` keeps the flags away from build scripts.
cargo build --release --target "$host" "${bins[@]}"

run() {
    local seconds=$1 target=$2 host=$3
    local extra=() log=target/$target.log
    [ -f "dictionaries/$target.dict" ] && extra+=("-dict=dictionaries/$target.dict")
    [ -n "${FUZZ_FIXED:-}" ] && extra+=("-seed=1" "-runs=$FUZZ_FIXED")
    mkdir -p "corpus/$target" "artifacts/$target" "seeds/$target"
    if "target/$host/release/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="artifacts/$target/" "${extra[@]}" \
        "corpus/$target" "seeds/$target" >"$log" 2>&1 </dev/null; then
        printf '%-24s ok    %s\n' "$target" "$(grep '^Done' "$log" | tail -1)"
    else
        printf '%-24s FAILED: run `target/%s/release/%s artifacts/%s/FILE` in fuzz/\n' \
            "$target" "$host" "$target" "$target"
        tail -60 "$log"
        return 1
    fi
}
export -f run
printf '%s\0' "${targets[@]}" |
    xargs -0 -P "${JOBS:-2}" -I{} bash -c 'run "$1" "$2" "$3"' _ "$seconds" {} "$host"
