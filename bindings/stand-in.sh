#!/bin/sh
# Stands in for a C compiler and an archiver where nothing is linked: makes the files that it is asked for, empty. So
# Rust's types are checked for a system whose C headers are not here (`cargo xtask phones`).
while [ $# -gt 0 ]; do
    case "$1" in
    # What a build script asks to find out which compiler this is.
    -E)
        for file; do
            case "$file" in *.c) exec cc -E "$file" ;; esac
        done
        ;;
    -o)
        : > "$2"
        shift
        ;;
    *.a) [ -e "$1" ] || : > "$1" ;;
    esac
    shift
done
