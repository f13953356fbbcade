#!/bin/bash
# The walk-through of README.md: `run.sh [prepare] [setup] [first] [ask] [worse] [tidy]`, all
# of them if none is named.
#
# ON says where: sagemaker (a build of a quarter of an hour and minutes of two machines) or sandbox.
# WORK is the folder to work in, SETUP more words for `byoa setup`, IMAGE an image of this folder that is
# there already: then nothing is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
on=${ON:-sagemaker}
work=${WORK:-./cells}
machine=byoa-cells_build-train-deploy
code=(--zip Context=.)
[ -z "${IMAGE:-}" ] || code=(-i "Image=$IMAGE")

prepare() {
    byoa init "$work" --template mask-r-cnn
    cp "$here/settings.json" "$work"
    python3 "$here/pictures.py" "$work/pictures"
}

setup() { # shellcheck disable=SC2086  # SETUP is words
    byoa setup -p cells --yes --on "$on" ${SETUP:-}
}

first() {
    byoa workflow run "$machine" -p cells "${code[@]}" --upload Data=pictures/good --input settings.json \
        --wait --page first.html --json --on "$on" > first.json
}

ask() {
    mkdir -p answers
    for picture in pictures/unseen/images/*.jpg; do
        byoa invoke byoa-cells "$picture" -o "answers/$(basename "$picture" .jpg).json" --on "$on"
    done
    python3 "$here/check.py" pictures/unseen answers
}

worse() {
    byoa workflow run "$machine" -p cells "${code[@]}" --upload Data=pictures/bad --input settings.json \
        --wait --page worse.html --json --on "$on" > worse.json
}

tidy() {
    byoa teardown -p cells --delete-data --yes --on "$on"
}

for step in "${@:-prepare setup first ask worse tidy}"; do
    for name in $step; do
        [ "$name" = prepare ] || cd "$work"
        "$name"
        [ "$name" = prepare ] || cd - >/dev/null
    done
done
