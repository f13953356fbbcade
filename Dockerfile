# One image for training and serving: `docker run IMAGE train`, `docker run -p 8080:8080 IMAGE serve`.
#
# The classic builder and BuildKit both build it: it uses nothing that only one of them knows.
# Two COPY lines of the final stage are the border of the image: container/ and the algorithm.
ARG BASE_IMAGE=debian:bookworm-slim
# What is installed: image trains and serves, with torch; serve only serves Mask R-CNN, on a CPU, without
# torch; harness is what train and serve themselves need, for algorithms that bring their own packages.
ARG PACKAGES=image

# --- builder: the virtual environment, from wheels checked by hash ------------------------------
FROM ${BASE_IMAGE} AS builder
ARG PACKAGES
# An index of other torch builds, for example of CPU wheels; empty means the default: CUDA 12.8.
ARG TORCH_INDEX=
# Weights to start from, baked in so that a job without network starts: none, coco or imagenet.
ARG PRETRAINED=none

RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
# These four alone: a new pin of a developer's tool must not install torch anew.
COPY requirements/${PACKAGES}.txt requirements/install.sh requirements/strip.sh requirements/pretrained.py /requirements/
# sh …: a checkout on Windows knows no executable bit, and may have CRLF line endings.
RUN sed -i 's/\r$//' /requirements/* \
    && python3 -m venv /opt/venv \
    && PIP_NO_CACHE_DIR=1 sh /requirements/install.sh /opt/venv/bin/python "/requirements/${PACKAGES}.txt" "${TORCH_INDEX}" \
    && sh /requirements/strip.sh /opt/venv
RUN /opt/venv/bin/python /requirements/pretrained.py "${PRETRAINED}" /opt/pretrained

# --- own: the algorithm's own packages, if it names some, beside the environment that all share ---
FROM builder AS own
ARG ALGORITHM=mask_r_cnn
# [t] makes the second file one that may be missing.
COPY requirements/own.sh ${ALGORITHM}/requirements.tx[t] /algorithm/
RUN sed -i 's/\r$//' /algorithm/own.sh \
    && mv /algorithm/own.sh /requirements/ \
    && sh /requirements/own.sh /opt/venv /algorithm/requirements.txt /own

# --- the image: no compiler, no package cache ----------------------------------------------------
FROM ${BASE_IMAGE} AS system
# nginx alone, no module packages; bash, python3 and pip are what SageMaker's SDK v3 starts with.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install --yes --no-install-recommends bash ca-certificates nginx python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* \
        /usr/share/doc/* /usr/share/man/*

# What differs between the images besides the environment; stages of nothing but metadata, as the
# classic builder makes all of them. torch asks for the user's name to find its cache folder, and a user that
# is only a number has none: it is told. Many models in one container: on a CPU alone, as SageMaker wants it.
FROM system AS packages-image
ENV TORCHINDUCTOR_CACHE_DIR=/tmp/torchinductor \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
LABEL byoa.cuda.version="12.8" \
      byoa.cuda.minimum-driver="525.60.13"

FROM system AS packages-serve
ENV BYOA_ONLY=serve
LABEL byoa.only="serve" \
      com.amazonaws.sagemaker.capabilities.multi-models="true"

FROM system AS packages-harness
LABEL com.amazonaws.sagemaker.capabilities.multi-models="true"

FROM packages-${PACKAGES}
ARG ALGORITHM=mask_r_cnn
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /opt/pretrained /opt/byoa/pretrained
COPY --from=own /own/ /

# The environment first: a change of the code then rebuilds two small layers.
ENV PATH=/opt/venv/bin:/opt/byoa/container/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    BYOA_ALGORITHM=/opt/byoa/${ALGORITHM} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8

COPY container/ /opt/byoa/container/
COPY ${ALGORITHM}/ /opt/byoa/${ALGORITHM}/

# What the own packages replaced goes. Programs run whatever the checkout did to modes and line endings;
# .pyc files make them start fast where the image is read-only. The build ends with the image's own check of itself.
RUN xargs --delimiter '\n' --no-run-if-empty rm -f < /opt/byoa/removed \
    && find /opt/venv/lib -depth -type d -empty -delete \
    && rm /opt/byoa/removed \
    && find /opt/byoa/container "/opt/byoa/${ALGORITHM}" -type f \
        \( -path '*/bin/*' -o -name '*.py' -o -name '*.sh' -o -name '*.conf' -o -name '*.json' -o -name '*.html' \) \
        -exec sed -i 's/\r$//' {} + \
    && chmod -R u=rwX,go=rX /opt/byoa \
    && chmod 0755 /opt/byoa/container/bin/* \
    && python3 -m compileall -q /opt/byoa \
    && mkdir -p /opt/ml \
    && doctor

# Here and not above: the classic builder makes every RUN below an ARG anew when its value changes.
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="byoa ${ALGORITHM}" \
      org.opencontainers.image.description="Trains and serves ${ALGORITHM} on Amazon SageMaker, AWS Batch or a laptop" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      com.amazonaws.sagemaker.capabilities.accept-bind-to-port="true"

WORKDIR /opt/byoa
# SageMaker always says `train` or `serve`; its local mode says nothing and means `train`.
# No ENTRYPOINT: any other command (a Processing job's) runs as it is.
CMD ["train"]
