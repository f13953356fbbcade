#!/bin/sh
# The algorithm's own packages as a layer of their own: own.sh VENV REQUIREMENTS FOLDER
#
# All images share the environment below (6 GB with torch). FOLDER gets what pip adds to it or changes, and
# FOLDER/opt/byoa/removed names what pip took away: COPY cannot remove, the stage that copies FOLDER does.
set -eu
venv=$1 wanted=$2 folder=$3
mkdir -p "$folder/opt/byoa"
: > "$folder/opt/byoa/removed"
[ -f "$wanted" ] || exit 0

notes=$(mktemp -d)
trap 'rm -rf "$notes"' EXIT
list() { find "$venv" ! -type d "$@" | LC_ALL=C sort; }

list > "$notes/before"
megabytes=$(du -sm "$venv" | cut -f 1)
sed -i 's/\r$//' "$wanted"  # a checkout on Windows may have CRLF line endings
"$venv/bin/python" -m pip install --no-cache-dir --disable-pip-version-check --requirement "$wanted"
sh "$(dirname "$0")/strip.sh" "$venv"
# By the time of change, not of modification: an archive may bring old times along.
list -cnewer "$notes/before" | tar -cf - --files-from - | tar -xf - -C "$folder"
list | LC_ALL=C comm -23 "$notes/before" - > "$folder/opt/byoa/removed"

layer=$(du -sm "$folder" | cut -f 1)
echo "own packages: a layer of $layer MB"
replaced=$((megabytes + layer - $(du -sm "$venv" | cut -f 1)))
[ "$replaced" -lt 500 ] || echo "They replace $replaced MB of what the image has already and keeps below them." \
    "PACKAGES=harness brings none of it." >&2
