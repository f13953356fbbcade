#!/bin/bash
# Counts the words of the files of the channel data. SM_* and SSM_* variables say where things lie.
set -euo pipefail

echo "host ${SM_CURRENT_HOST:-here}, number ${SSM_HOST_RANK:-0} of ${SSM_NUM_NODES:-1}, $(nproc) cores"
if [ -n "${SM_CHANNEL_DATA:-}" ]; then
    find "$SM_CHANNEL_DATA" -type f -exec wc -w {} + | tee "$SM_MODEL_DIR/words.txt"
else
    echo "there is no channel data: give one with -i FOLDER"
fi
# What lies here is there again when the task runs next, and after a spot interruption.
date >>"$SSM_STATE/runs.txt"
echo "runs=$(wc -l <"$SSM_STATE/runs.txt");"
