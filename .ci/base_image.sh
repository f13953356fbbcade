#!/bin/bash
# Make debian:bookworm-slim where no public registry can be reached: `base_image.sh [TAG]`.
#
# debootstrap installs the same packages that the official image is made of. The host's CA bundle
# goes in as pip's, so that pip works behind a proxy that signs with its own CA: as a file of its
# own, because `apt-get install ca-certificates` writes the bundle anew.
set -euo pipefail
tag=${1:-debian:bookworm-slim}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/byoa
tarball=$cache/bookworm-minbase.tar

if docker image inspect "$tag" >/dev/null 2>&1; then
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_tarball() {
    mkdir -p "$cache"
    debootstrap --variant=minbase bookworm "$work/root" >"$work/log" 2>&1 \
        || { tail -n 20 "$work/log" >&2; exit 1; }
    cd "$work/root"
    # What makes the official image "slim".
    rm -rf usr/share/{doc,info,man,locale,lintian}/* var/cache/apt/*.bin \
        var/cache/apt/archives/*.deb var/lib/apt/lists/* var/log/*.log
    printf 'path-exclude /usr/share/%s/*\n' doc info man locale lintian \
        > etc/dpkg/dpkg.cfg.d/docker
    tar --numeric-owner -cf "$tarball.part" .
    mv "$tarball.part" "$tarball"
    cd - >/dev/null
}

[ -s "$tarball" ] || make_tarball
mkdir "$work/context"
cp "$tarball" "$work/context/root.tar"
cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/context/build-host.crt"
cat > "$work/context/pip.conf" <<'CONF'
[global]
cert = /usr/local/share/build-host.crt
CONF
cat > "$work/context/Dockerfile" <<'DOCKERFILE'
FROM scratch
ADD root.tar /
COPY build-host.crt /usr/local/share/build-host.crt
COPY pip.conf /etc/pip.conf
CMD ["bash"]
DOCKERFILE
DOCKER_BUILDKIT=0 docker build --quiet --tag "$tag" "$work/context" >/dev/null
echo "$tag made from debootstrap: $(docker image inspect --format '{{.Size}}' "$tag") bytes"
