#!/bin/bash
# Counts the words of the channel's files: the model is a list of them. SM_* variables say where things lie.
set -euo pipefail

data=${SM_CHANNEL_TRAINING:?"there is no channel training: byoa train --data training=FOLDER"}
echo "host ${SM_CURRENT_HOST:-here} of ${SM_HOSTS:-[]}, $(nproc) cores"
find "$data" -type f -exec cat {} + | tr -cs '[:alnum:]' '\n' | awk NF | sort | uniq -c \
    | awk '{ print $2 "\t" $1 }' > "$SM_MODEL_DIR/words.tsv"
echo "words=$(wc -l < "$SM_MODEL_DIR/words.tsv");"
