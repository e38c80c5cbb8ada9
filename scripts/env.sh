# Sourced by every script: where tools, builds and downloads are kept. A setting that is already made wins.
#
#   MEDLOCK_CACHE     everything that is not the checkout's own (default: ${XDG_CACHE_HOME:-~/.cache}/medlock)
#   CARGO_TARGET_DIR  Rust builds; shared by all checkouts, so that a fresh clone starts warm
#   MEDLOCK_ROOT      the checkout
# shellcheck shell=bash

MEDLOCK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MEDLOCK_CACHE=${MEDLOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/medlock}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$MEDLOCK_CACHE/target}
PATH=$MEDLOCK_CACHE/tools/bin:$PATH
# Foundry asks other machines for nothing: signatures, traces, updates.
FOUNDRY_OFFLINE=${FOUNDRY_OFFLINE:-true}
FOUNDRY_DISABLE_NIGHTLY_WARNING=1
export MEDLOCK_ROOT MEDLOCK_CACHE CARGO_TARGET_DIR PATH FOUNDRY_OFFLINE FOUNDRY_DISABLE_NIGHTLY_WARNING

# fail WHAT REMEDY: ends the script with the two lines of every error of ours.
fail() {
  printf 'error: %s\n  do: %s\n' "$1" "$2" >&2
  exit 1
}
