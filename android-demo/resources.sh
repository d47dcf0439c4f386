#!/bin/sh
# Packs the resources, and says where they are to whoever runs activities without a phone.
# resources.sh ANDROID.JAR WORDS
set -eu
cd "$(dirname "$0")"
target=$PWD/target
mkdir -p "$target/resources" "$target/test-classes/com/android/tools"
aapt package -f -m --auto-add-overlay -I "$1" -M src/main/AndroidManifest.xml -S src/main/res -S "$2" \
  -J "$target/resources" -F "$target/resources.apk"
cat > "$target/test-classes/com/android/tools/test_config.properties" <<CONFIG
android_resource_apk=$target/resources.apk
android_merged_manifest=$PWD/src/main/AndroidManifest.xml
android_custom_package=org.kitbag.demo
CONFIG
