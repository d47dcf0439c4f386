#!/bin/sh
# Makes Kitbag.xcframework of iOS, its simulator and macOS, and says its checksum: xcframework.sh PROJECT TARGET, on a Mac.
set -eu
project=$1 target=$2
out=$target/apple
rm -rf "$out"
mkdir -p "$out/headers"
cp "$project"/bindings/swift/target/generated/KitbagFFI/* "$out/headers/"
library() { # library NAME TARGET …: one static library of several machines
    name=$1
    shift
    of=""
    for machine in "$@"; do
        rustup target add "$machine"
        cargo rustc --package kitbag-bindings --lib --profile phone --target "$machine" --crate-type staticlib
        of="$of $target/$machine/phone/libkitbag_bindings.a"
    done
    mkdir -p "$out/$name"
    lipo -create $of -output "$out/$name/libkitbag_bindings.a"
}
cd "$project"
library ios aarch64-apple-ios
library simulator aarch64-apple-ios-sim x86_64-apple-ios
library macos aarch64-apple-darwin x86_64-apple-darwin
set --
for name in ios simulator macos; do
    set -- "$@" -library "$out/$name/libkitbag_bindings.a" -headers "$out/headers"
done
xcodebuild -create-xcframework "$@" -output "$out/KitbagFFI.xcframework"
(cd "$out" && zip -qry KitbagFFI.xcframework.zip KitbagFFI.xcframework)
echo "checksum: $(swift package compute-checksum "$out/KitbagFFI.xcframework.zip")"
echo "Name its address and this checksum in bindings/swift/Package.swift."
