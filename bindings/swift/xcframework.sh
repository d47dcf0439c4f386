#!/bin/sh
# Makes KitbagFFI.xcframework of iOS, its simulator and macOS, and says its checksum: xcframework.sh PROJECT TARGET, on a Mac.
# Of dynamic frameworks: they show uniffi's names alone, so that an app's other code keeps the system's SQLite, and two
# such libraries live in one app.
set -eu
project=$1 target=$2
generated=$project/bindings/swift/target/generated/KitbagFFI
out=$target/apple
rm -rf "$out"
mkdir -p "$out"
framework() { # framework NAME LEAST-SYSTEM TARGET …: one framework of several machines
    name=$1 least=$2
    shift 2
    of=""
    for machine in "$@"; do
        rustup target add "$machine"
        cargo rustc --package kitbag-bindings --lib --profile phone --target "$machine" --crate-type cdylib
        of="$of $target/$machine/phone/libkitbag_bindings.dylib"
    done
    bundle=$out/$name/KitbagFFI.framework
    inside=$bundle
    # A Mac's framework has its versions inside.
    if [ "$name" = macos ]; then
        inside=$bundle/Versions/A
    fi
    mkdir -p "$inside/Headers" "$inside/Modules"
    lipo -create $of -output "$inside/KitbagFFI"
    cp "$generated"/*.h "$inside/Headers/"
    printf 'framework module KitbagFFI {\n    header "KitbagFFI.h"\n    export *\n}\n' > "$inside/Modules/module.modulemap"
    info=$inside/Info.plist
    if [ "$name" = macos ]; then
        mkdir -p "$inside/Resources"
        info=$inside/Resources/Info.plist
        ln -s A "$bundle/Versions/Current"
        for part in KitbagFFI Headers Modules Resources; do
            ln -s "Versions/Current/$part" "$bundle/$part"
        done
    fi
    install_name_tool -id "@rpath/KitbagFFI.framework${inside#"$bundle"}/KitbagFFI" "$inside/KitbagFFI"
    plutil -create xml1 "$info"
    plutil -insert CFBundleIdentifier -string org.kitbag.ffi "$info"
    plutil -insert CFBundleName -string KitbagFFI "$info"
    plutil -insert CFBundleExecutable -string KitbagFFI "$info"
    plutil -insert CFBundlePackageType -string FMWK "$info"
    plutil -insert CFBundleVersion -string 1 "$info"
    plutil -insert CFBundleShortVersionString -string 0.1.0 "$info"
    plutil -insert MinimumOSVersion -string "$least" "$info"
    # Whatever else it shows would meet the app's own.
    ! nm -gU "$inside/KitbagFFI" | grep -vE ' _(uniffi_|ffi_|UNIFFI_META_)' || {
        echo "$name shows names that are not uniffi's" >&2
        exit 1
    }
}
cd "$project"
export IPHONEOS_DEPLOYMENT_TARGET=15.0 MACOSX_DEPLOYMENT_TARGET=12.0
framework ios 15.0 aarch64-apple-ios
framework simulator 15.0 aarch64-apple-ios-sim x86_64-apple-ios
framework macos 12.0 aarch64-apple-darwin x86_64-apple-darwin
set --
for name in ios simulator macos; do
    set -- "$@" -framework "$out/$name/KitbagFFI.framework"
done
xcodebuild -create-xcframework "$@" -output "$out/KitbagFFI.xcframework"
(cd "$out" && zip -qry KitbagFFI.xcframework.zip KitbagFFI.xcframework)
echo "checksum: $(swift package compute-checksum "$out/KitbagFFI.xcframework.zip")"
echo "Name its address and this checksum in bindings/swift/Package.swift."
