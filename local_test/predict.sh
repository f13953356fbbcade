#!/bin/bash
# Ask a running server about a picture: predict.sh [PICTURE] [ACCEPT] [URL]
#
# ACCEPT  application/json (the default), application/jsonlines, image/png (the picture with what
#         was found drawn on it), application/x-npy. The answer goes to standard output:
#         predict.sh my.jpg image/png > overlay.png
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
picture=${1:-$project/local_test/test_dir/held_out/images/00001.jpg}
accept=${2:-application/json} url=${3:-http://127.0.0.1:8080}

[ -f "$picture" ] || { echo "predict.sh: there is no picture $picture" >&2; exit 1; }
# application/octet-stream: the server looks at the bytes, not at the name.
exec curl --silent --show-error --fail-with-body "$url/invocations" \
    --header "Content-Type: application/octet-stream" --header "Accept: $accept" \
    --data-binary "@$picture"
