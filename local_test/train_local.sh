#!/bin/bash
# Train as SageMaker does, here: train_local.sh [docker|process] [IMAGE]
#
# docker   docker run -v local_test/test_dir:/opt/ml IMAGE train     (IMAGE: mask-r-cnn:latest)
# process  container/bin/train with SAGEMAKER_BASE_DIR=local_test/test_dir: no docker at all
#
# The folder is made with sample pictures when it is not there; put your own pictures into
# input/data/training and your settings into input/config/hyperparameters.json.
set -euo pipefail
how=${1:-docker} image=${2:-mask-r-cnn:latest}
project=$(cd "$(dirname "$0")/.." && pwd)
root=$project/local_test/test_dir
python=$project/.venv/bin/python

[ -d "$root/input" ] || "$python" "$project/local_test/make_test_dir.py" "$root"
case $how in
    # --init: SageMaker puts an init process in front of train, too.
    docker) docker run --rm --init --volume "$root:/opt/ml" "$image" train ;;
    process) SAGEMAKER_BASE_DIR=$root "$python" "$project/container/bin/train" ;;
    *) echo "train_local.sh: unknown way $how: say docker or process" >&2; exit 2 ;;
esac
echo "model:  $root/model"
echo "report: $root/output/data/report.html"
