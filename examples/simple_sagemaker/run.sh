#!/bin/bash
# The walk-through of README.md: `run.sh [shell] [script] [full]`, all three if none is named.
#
# ON says where: sagemaker (it costs a few cents), sandbox, docker or process.
set -euo pipefail
cd "$(dirname "$0")"
on=${ON:-sagemaker}
out=${OUT:-./out}
instance=${INSTANCE:-ml.m5.large}
persons=${PERSONS:-s3://awsglue-datasets/examples/us-legislators/all/persons.json}

shell() {
    byoa shell -p simple -t machine -o "$out/shell" --it "$instance" --on "$on" \
        --cmd_line "head -n 1 /etc/os-release && nproc"
    cat "$out/shell/logs/logs0"
}

script() {
    byoa run -p simple -t two -e who.py -o "$out/script" --it "$instance" --ic 2 --on "$on"
    cat "$out/script/logs/logs0" "$out/script/logs/logs1"
}

full() {
    byoa run -p simple -t words -s ./code -e worker.py \
        -i ./data ShardedByS3Key --iis persons "$persons" \
        --df "RUN pip3 install --no-cache-dir humanize" \
        --repo_name simple-words --aws_repo_name simple-words --no_spot \
        --ic 2 --task_type 1 -o "$out/full/words" --force_running --on "$on" \
        --download_model --download_output --download_state \
        -- --greeting "hello, both of you"

    byoa run -p simple -t totals -s ./code -e worker.py -d ./extras \
        --iit words_model words model --iit words_state words state ShardedByS3Key \
        -f tensorflow --md Score "Score=(.*?);" --tag team examples \
        --ic 2 --task_type 2 -o "$out/full/totals" --force_running --on "$on" --download_output
}

for step in "${@:-shell script full}"; do
    for name in $step; do "$name"; done
done
