#!/bin/sh
# Compiles the project's own crates with the coverage that libFuzzer reads, on the stable toolchain.
# Cargo calls it for members of the workspace only, so that SQLCipher and the rest are not built again.
case " $* " in
*" --crate-name kitbag_core "* | *" --crate-name kitbag_fuzz "* | *" --crate-name fuzz "*)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
*) exec "$@" ;;
esac
