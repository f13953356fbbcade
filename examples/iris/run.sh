#!/bin/bash
# The walk-through of README.md: `run.sh [prepare] [setup] [image] [workflow] [ask] [tidy]`, all of
# them if none is named.
#
# ON says where: sagemaker (a few cents) or sandbox. WORK is the folder to work in, SOURCE the CSV,
# SETUP more words for `byoa setup`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
on=${ON:-sagemaker}
work=${WORK:-./iris-work}
mkdir -p "$work" && cd "$work"
source=${SOURCE:-https://archive.ics.uci.edu/ml/machine-learning-databases/iris/iris.data}

prepare() {
    cp -r "$here"/{iris,byoa.toml} .
}

setup() { # shellcheck disable=SC2086  # SETUP is words
    byoa setup --yes --on "$on" ${SETUP:-}
}

image() {
    byoa build --push --on "$on" | tee image
}

workflow() {
    byoa workflow init iris --template ingest-preprocess-train
    byoa workflow create iris.py --on "$on"
    byoa workflow run iris -i "Source=$source" -i "Image=$(cat image)" \
        --wait --page iris.html --json --on "$on" > run.json
    byoa workflow render iris --execution last --format svg -o iris.svg --on "$on"
}

ask() {
    job=$(python3 -c 'import json; print(json.load(open("run.json"))["output"]["TrainingJobName"])')
    byoa deploy --job "$job" --endpoint iris-flowers --on "$on"
    printf '5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n' > flowers.csv
    byoa invoke iris-flowers flowers.csv --accept text/csv --on "$on"
}

tidy() {
    byoa teardown --delete-data --yes --on "$on"
}

for step in "${@:-prepare setup image workflow ask tidy}"; do
    for name in $step; do
        "$name"
    done
done
