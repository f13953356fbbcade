#!/bin/bash
# How often training has seen each word of stdin: predict.sh MODEL_DIR < text > counts
set -euo pipefail
tr -cs '[:alnum:]' '\n' | awk NF | while read -r word; do
    printf '%s\t%s\n' "$word" "$(awk -F '\t' -v word="$word" '$1 == word { print $2; found = 1 } END { if (!found) print 0 }' "$1/words.tsv")"
done
