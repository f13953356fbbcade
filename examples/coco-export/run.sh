#!/bin/bash
# The walk-through of README.md: `run.sh [export train deploy ask tidy]`, all of them if none is named.
#
# ON says where: process (here, in an environment with torch), docker, sandbox or sagemaker. IMAGE is the
# algorithm: a folder for process, else an image. PICTURES and EPOCHS make it shorter, TRAIN is more words for
# `byoa train`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
on=${ON:-process}
image=${IMAGE:-$here/../../mask_r_cnn}

export_() {
    python3 "$here/export.py" export "${PICTURES:-48}"
}

train() { # shellcheck disable=SC2086  # TRAIN is words
    byoa train -p parts -t first --image "$image" --data training=export --on "$on" \
        -h backbone=resnet18_fpn -h pretrained=none -h min_size=72 -h max_size=96 -h rois_per_image=16 \
        -h batch_size=2 -h optimizer=adamw -h learning_rate=0.001 -h num_epochs="${EPOCHS:-4}" ${TRAIN:-}
}

deploy() {
    byoa deploy -p parts -t first --on "$on"
}

ask() {
    picture=$(find export/images -name '*_01.png')
    byoa invoke parts-first "$picture" --accept image/png -o seen.png --on "$on" \
        --custom-attributes score_threshold=0.5
    byoa invoke parts-first "$picture" -o seen.json --on "$on"
    python3 "$here/told.py" seen.json
}

tidy() {
    byoa undeploy parts-first --on "$on"
}

for step in "${@:-export train deploy ask tidy}"; do
    for name in $step; do
        [ "$name" = export ] && name=export_
        "$name"
    done
done
