#!/bin/sh
# Write the lock files anew: one resolution for Python 3.10 to 3.13, with hashes, naming no index.
set -eu
cd "$(dirname "$0")"
lock() {
    uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
        --no-header --no-annotate --quiet "$@"
}
lock image.in --output-file image.txt
lock serve.in --constraints image.txt --output-file serve.txt
lock harness.in --constraints image.txt --output-file harness.txt
lock dev.in --constraints image.txt --constraints serve.txt --output-file dev.txt
lock bench.in --constraints dev.txt --output-file bench.txt
lock parity.in --output-file parity.txt
