#!/bin/bash
# Build the image and push it to Amazon ECR: the one place that knows how.
#
#   ./build_and_push.sh                          build mask-r-cnn:latest and push it
#   ./build_and_push.sh --no-push                only build (what `make image` does)
#   ./build_and_push.sh --packages serve         mask-r-cnn:serve: small, without torch, only serves
#   ./build_and_push.sh --algorithm my_algorithm --image my-algorithm:v2
#
# Options, each with an environment variable that CodeBuild can set:
#   --algorithm DIR     ALGORITHM    the folder that is the algorithm        (mask_r_cnn)
#   --image NAME[:TAG]  IMAGE        name here and in ECR                    (mask-r-cnn:latest, or :serve)
#   --base IMAGE        BASE_IMAGE   what it stands on                       (debian:bookworm-slim)
#   --torch-index URL   TORCH_INDEX  an index of other torch builds          (the default: CUDA)
#   --packages WHICH    PACKAGES     image: trains and serves; serve: no torch; harness: the algorithm's own (image)
#   --pretrained WHICH  PRETRAINED   weights to bake in: none, coco, imagenet (none)
#   --context MARK      CONTEXT      what it was built of, as the label byoa.context
#   --region REGION     AWS_REGION   where to push                           (the AWS CLI's own)
set -euo pipefail
cd "$(dirname "$0")"

algorithm=${ALGORITHM:-mask_r_cnn}
image=${IMAGE:-}
base=${BASE_IMAGE:-debian:bookworm-slim}
torch_index=${TORCH_INDEX:-}
packages=${PACKAGES:-image}
pretrained=${PRETRAINED:-none}
context=${CONTEXT:-}
region=${AWS_REGION:-}
push=true
# The hard limit of serverless inference; training and real-time endpoints take more.
readonly SIZE_LIMIT=10737418240

fail() { echo "build_and_push.sh: $*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --no-push) push=false; shift; continue ;;
        -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 0 ;;
        --algorithm | --image | --base | --torch-index | --packages | --pretrained | --context | --region)
            [ $# -ge 2 ] || fail "$1 needs a value" ;;
        *) fail "unknown option $1: see --help" ;;
    esac
    case $1 in
        --algorithm) algorithm=$2 ;;
        --image) image=$2 ;;
        --base) base=$2 ;;
        --torch-index) torch_index=$2 ;;
        --packages) packages=$2 ;;
        --pretrained) pretrained=$2 ;;
        --context) context=$2 ;;
        --region) region=$2 ;;
    esac
    shift 2
done

case $packages in
    image) tag=latest ;;
    serve) tag=serve ;;
    harness) tag=latest ;;
    *) fail "--packages $packages is unknown: say image, serve or harness" ;;
esac
[ "$packages" = image ] || [ "$pretrained" = none ] \
    || fail "--pretrained $pretrained needs torchvision, which --packages $packages has not"
image=${image:-mask-r-cnn}
case $image in *:*) ;; *) image=$image:$tag ;; esac
[ -d "$algorithm" ] || fail "there is no folder $algorithm: name the algorithm's folder with --algorithm"
grep -qx "!$algorithm" .dockerignore \
    || fail ".dockerignore keeps $algorithm out of the build: add the line !$algorithm"
command -v docker >/dev/null || fail "docker is not on PATH: install it first"
docker info >/dev/null 2>&1 || fail "no docker daemon answers: start it, or look at \`docker info\`"

# SageMaker takes a Docker v2 manifest of one platform: an attestation would turn it into an OCI
# index, which CreateModel refuses.
docker_build() {
    if docker buildx version >/dev/null 2>&1; then
        docker buildx build --provenance=false --sbom=false --load "$@"
    else
        DOCKER_BUILDKIT=0 docker build --force-rm "$@"
    fi
}

# The image's own words as labels, which a registry can be asked for: the driver checks
# hyperparameters before a job costs anything. They come after the build, as only the image knows.
label() {
    local schema labels=()
    if schema=$(docker run --rm --network none "$image" train --describe 2>/dev/null | sed 's/^ *//' | tr -d '\n'); then
        [ -z "$schema" ] || labels+=(--label "byoa.hyperparameters=$schema")
    fi
    [ -z "$context" ] || labels+=(--label "byoa.context=$context")
    [ ${#labels[@]} -eq 0 ] \
        || echo "FROM $image" | docker_build --platform linux/amd64 --tag "$image" "${labels[@]}" -
}

build() {
    local arguments=(
        --platform linux/amd64 --tag "$image"
        --build-arg "BASE_IMAGE=$base" --build-arg "ALGORITHM=$algorithm"
        --build-arg "TORCH_INDEX=$torch_index" --build-arg "PRETRAINED=$pretrained"
        --build-arg "PACKAGES=$packages"
        --build-arg "REVISION=$(git describe --always --dirty 2>/dev/null || echo unknown)"
    )
    docker_build "${arguments[@]}" .
    label
    local size
    size=$(docker image inspect --format '{{.Size}}' "$image")
    printf '%s: %d bytes, %d %% of the 10 GiB that serverless inference allows\n' \
        "$image" "$size" $((size * 100 / SIZE_LIMIT))
    [ "$size" -le "$SIZE_LIMIT" ] || fail "$image is over 10 GiB: serverless inference refuses it"
}

# The repository's own address, made on the first push.
repository_uri() {
    local name=${image%:*}
    aws ecr describe-repositories --repository-names "$name" \
        --query 'repositories[0].repositoryUri' --output text 2>/dev/null \
        || aws ecr create-repository --repository-name "$name" \
            --image-scanning-configuration scanOnPush=true \
            --query 'repository.repositoryUri' --output text
}

push() {
    command -v aws >/dev/null || fail "the AWS CLI is not on PATH: install it, or say --no-push"
    [ -z "$region" ] || export AWS_REGION=$region AWS_DEFAULT_REGION=$region
    local uri tag=${image##*:}
    uri=$(repository_uri) || fail "ECR has no repository ${image%:*} and none could be made: the role needs ecr:DescribeRepositories and ecr:CreateRepository"
    aws ecr get-login-password | docker login --username AWS --password-stdin "${uri%%/*}"
    docker tag "$image" "$uri:$tag"
    docker push "$uri:$tag"
    check_manifest "$uri" "$tag"
}

# What was pushed, read back: SageMaker refuses OCI manifests, and only when a job starts.
check_manifest() {
    local type digest
    type=$(aws ecr batch-get-image --repository-name "${image%:*}" --image-ids "imageTag=$2" \
        --query 'images[0].imageManifestMediaType' --output text)
    case $type in
        application/vnd.docker.distribution.manifest.v2+json) ;;
        *) fail "$1:$2 has a manifest of type $type, which SageMaker refuses: turn docker's containerd image store off and push again" ;;
    esac
    digest=$(aws ecr describe-images --repository-name "${image%:*}" --image-ids "imageTag=$2" \
        --query 'imageDetails[0].imageDigest' --output text)
    echo "pushed $1@$digest"
}

build
if $push; then push; fi
