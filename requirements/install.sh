#!/bin/sh
# Install a lock file, checked by hash: install.sh PYTHON LOCK [TORCH_INDEX]
#
# With TORCH_INDEX (an index of CPU or other CUDA builds) torch and torchvision come from there, at
# the locked versions but without a hash: the lock knows only the default index's files.
set -eu
python=$1 lock=$2 torch_index=${3:-}

# Hashes make pip resolve nothing on its own: what is not in the lock is not installed.
install() { "$python" -m pip install --no-deps --disable-pip-version-check "$@"; }

if [ -z "$torch_index" ]; then
    install --require-hashes --requirement "$lock"
    exit 0
fi
rest=$(mktemp)
trap 'rm -f "$rest"' EXIT
# A lock entry is a line that starts with the name, then indented hashes.
awk '/^[A-Za-z]/ { keep = $0 !~ /^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z-]+)==/ } keep' \
    "$lock" > "$rest"
install --require-hashes --requirement "$rest"
for name in torch torchvision; do
    version=$(sed -n "s/^$name==\([^ ;]*\).*/\1/p" "$lock" | head -n 1)
    install --index-url "$torch_index" "$name==$version"
done
