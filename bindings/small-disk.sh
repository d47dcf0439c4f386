#!/bin/sh
# Runs a command with a disk of 3 MB mounted at FOLDER, for as long as it runs: small-disk.sh FOLDER COMMAND …
set -eu
mkdir -p "$1"
root=""
[ "$(id -u)" = 0 ] || root=--map-root-user
exec unshare $root --mount --propagation private sh -euc '
    mount -t tmpfs -o size=3m tmpfs "$1"
    shift
    exec "$@"
' sh "$@"
