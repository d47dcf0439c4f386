#!/bin/sh
# Runs a swift command in this package: swift.sh TOOLCHAIN PROJECT swift test …
# By the machine's own Swift, else by the one that toolchain.sh put into TOOLCHAIN. What is mounted for it ends with it.
set -eu
toolchain=$1 project=$2
shift 2
package=$project/${KITBAG_PACKAGE:-bindings/swift}
if command -v swift >/dev/null; then
    cd "$package"
    export KITBAG_SMALL_DISK="$package/target/small-disk"
    exec "$project/bindings/small-disk.sh" "$KITBAG_SMALL_DISK" "$@"
fi
exec unshare --mount --propagation private sh -euc '
    toolchain=$1 project=$2 package=$3
    shift 3
    mount -t proc proc "$toolchain/proc"
    mkdir -p "$toolchain$project"
    mount --bind "$project" "$toolchain$project"
    # For the test that fills a disk.
    mkdir -p "$toolchain/small-disk"
    mount -t tmpfs -o size=3m tmpfs "$toolchain/small-disk"
    export KITBAG_SMALL_DISK=/small-disk
    exec chroot "$toolchain" env -C "$package" HOME=/root LC_ALL=C.UTF-8 "$@"
' sh "$toolchain" "$project" "$package" "$@"
