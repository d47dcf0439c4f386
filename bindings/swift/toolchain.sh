#!/bin/sh
# Puts Debian 13's Swift into a folder, for a machine whose own packages have none: toolchain.sh FOLDER.
# A minute and a half and 1.3 GB; as root, on Debian. Where `swift` is on the PATH, none of this is needed.
set -eu
folder=$1
here=$(dirname "$0")
. /etc/os-release
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
# The mirror that apt is configured with.
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk -v c="$VERSION_CODENAME" '$1 == c && $2 == "main" && $3 == "Debian" { print $4; exit }')
[ -n "$mirror" ] || { echo "apt's configuration names no Debian mirror" >&2; exit 1; }
rm -rf "$folder.new" "$folder"
debootstrap --variant=minbase trixie "$folder.new" "$mirror" >"$folder.log" 2>&1
# How apt reaches its mirrors holds in there, too.
apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' | grep -v '::$' \
    >"$folder.new/etc/apt/apt.conf.d/90host" || true
cp -L /etc/hosts "$folder.new/etc/hosts"
# What builds and tests of a package never read.
cp "$here/toolchain-without.txt" "$folder.new/etc/dpkg/dpkg.cfg.d/without"
echo force-unsafe-io >>"$folder.new/etc/dpkg/dpkg.cfg.d/without"
unshare --mount --propagation private sh -euc '
    mount -t proc proc "$1/proc"
    chroot "$1" apt-get update -qq
    exec chroot "$1" apt-get install -y -qq --no-install-recommends swiftlang libc6-dev
' sh "$folder.new" >>"$folder.log" 2>&1
rm -rf "$folder.new"/var/lib/apt/lists/* "$folder.new"/var/cache/apt/archives/*.deb
mv "$folder.new" "$folder"
