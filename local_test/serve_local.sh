#!/bin/bash
# Serve what train_local.sh trained: serve_local.sh [docker|process] [IMAGE] [PORT]
#
# docker   docker run -v local_test/test_dir:/opt/ml:ro -p 127.0.0.1:PORT:8080 IMAGE serve
# process  container/bin/serve with SAGEMAKER_BASE_DIR and SAGEMAKER_BIND_TO_PORT: no docker
#
# Runs until ^C. predict.sh asks it, from another terminal.
set -euo pipefail
how=${1:-docker} image=${2:-mask-r-cnn:latest} port=${3:-8080}
project=$(cd "$(dirname "$0")/.." && pwd)
root=$project/local_test/test_dir

[ -f "$root/model/model.json" ] || { echo "serve_local.sh: no model in $root/model: run train_local.sh first" >&2; exit 1; }
echo "http://127.0.0.1:$port/ping and /invocations, until ^C"
case $how in
    # Read-only, as SageMaker mounts the model; only /tmp can be written.
    docker) exec docker run --rm --init --read-only --tmpfs /tmp --volume "$root:/opt/ml:ro" \
        --publish "127.0.0.1:$port:8080" "$image" serve ;;
    process) SAGEMAKER_BASE_DIR=$root SAGEMAKER_BIND_TO_PORT=$port \
        exec "$project/.venv/bin/python" "$project/container/bin/serve" ;;
    *) echo "serve_local.sh: unknown way $how: say docker or process" >&2; exit 2 ;;
esac
