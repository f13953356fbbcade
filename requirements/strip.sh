#!/bin/sh
# Remove from an environment what no program of an image without a compiler can use: strip.sh VENV
#
# Each line says why it is safe; `doctor` runs after it, and tests/docker trains and serves.
set -eu
packages=$(echo "$1"/lib/python3.*/site-packages)
before=$(du -sm "$1" | cut -f 1)

# Triton compiles a C launcher for every kernel: without a C compiler it only raises
# "Failed to find C compiler". torch takes its absence for "no Triton" and torch.compile says so.
rm -rf "$packages"/triton "$packages"/triton-*.dist-info
# `doctor` and `pip check` read torch's needs: this torch does without.
sed -i '/^Requires-Dist: triton/d' "$packages"/torch-*.dist-info/METADATA
# Static libraries and headers serve compilers only.
find "$packages" -name '*.a' -delete
rm -rf "$packages"/torch/include "$packages"/nvidia/*/include
# The protobuf compiler; torch_shm_manager beside it stays, data loaders start it.
rm -f "$packages"/torch/bin/protoc*
# The multi-GPU solver: torch links libcusolver alone (readelf -d libtorch_cuda_linalg.so).
rm -f "$packages"/nvidia/cusolver/lib/libcusolverMg.so*
# The packages' own tests. torch.testing stays: torch's own modules import it.
for package in numpy sympy networkx gevent greenlet mpmath; do
    find "$packages/$package" -depth -type d -name tests -exec rm -rf {} +
done

echo "stripped: $before MB -> $(du -sm "$1" | cut -f 1) MB"
