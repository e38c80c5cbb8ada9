# Sourced by every script. Sets the places for tools, builds and downloads, unless a variable is set already.
#
#   MEDLOCK_CACHE     everything outside the checkout (default: ${XDG_CACHE_HOME:-~/.cache}/medlock)
#   CARGO_TARGET_DIR  Rust builds; all checkouts share them, so that the first build of a new clone is fast
#   MEDLOCK_ROOT      the checkout
# shellcheck shell=bash

MEDLOCK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MEDLOCK_CACHE=${MEDLOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/medlock}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$MEDLOCK_CACHE/target}
PATH=$MEDLOCK_CACHE/tools/bin:$PATH
# Foundry must not use the network: signatures, traces, updates.
FOUNDRY_OFFLINE=${FOUNDRY_OFFLINE:-true}
FOUNDRY_DISABLE_NIGHTLY_WARNING=1
export MEDLOCK_ROOT MEDLOCK_CACHE CARGO_TARGET_DIR PATH FOUNDRY_OFFLINE FOUNDRY_DISABLE_NIGHTLY_WARNING

# fail WHAT REMEDY: prints an error in two lines (what is wrong, what to do) and ends the script.
fail() {
  printf 'error: %s\n  do: %s\n' "$1" "$2" >&2
  exit 1
}
