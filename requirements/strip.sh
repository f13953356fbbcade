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
for facts in "$packages"/torch-*.dist-info/METADATA; do
    [ ! -f "$facts" ] || sed -i '/^Requires-Dist: triton/d' "$facts"
done
# Static libraries and headers serve compilers only.
find "$packages" -name '*.a' -delete
rm -rf "$packages"/torch/include "$packages"/nvidia/*/include
# The protobuf compiler; torch_shm_manager beside it stays, data loaders start it.
rm -f "$packages"/torch/bin/protoc*
# NVRTC twice: only these two files name each other (grep), torch opens libnvrtc.so.12.
rm -f "$packages"/nvidia/cuda_nvrtc/lib/libnvrtc.alt.so* "$packages"/nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so*
# Device code that Triton would link into its kernels; NCCL and torch open libnvshmem_host.so.3.
rm -f "$packages"/nvidia/nvshmem/lib/libnvshmem_device.bc
# What Cython made cuda.bindings' modules of; the modules stay.
[ ! -d "$packages/cuda" ] || find "$packages/cuda" \( -name '*.cpp' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.in' \) -delete
# The multi-GPU solver: torch links libcusolver alone (readelf -d libtorch_cuda_linalg.so).
rm -f "$packages"/nvidia/cusolver/lib/libcusolverMg.so*
# The packages' own tests. torch.testing stays: torch's own modules import it.
for package in numpy sympy networkx gevent greenlet mpmath scipy sklearn pandas joblib; do
    [ ! -d "$packages/$package" ] || find "$packages/$package" -depth -type d -name tests -exec rm -rf {} +
done

# OpenVINO: this image has no Intel GPU's or NPU's driver (the tuning cache is the GPU's) ...
libraries=$packages/openvino/libs
rm -f "$libraries"/libopenvino_intel_gpu_plugin.so "$libraries"/libopenvino_intel_npu_plugin.so "$libraries"/cache.json
# ... and none of the frameworks whose models these read; OpenVINO's own and ONNX files stay readable.
for frontend in pytorch jax tensorflow tensorflow_lite paddle gguf; do
    rm -rf "$libraries"/libopenvino_${frontend}_frontend.so* "$packages/openvino/frontend/$frontend"
done
# The converters of such models. `import openvino` does without them (it says try), half as fast with
# them, and they report every import to OpenVINO's makers: no server of yours has to.
rm -rf "$packages"/openvino/tools "$packages"/openvino/torch "$packages"/openvino_telemetry*
for facts in "$packages"/openvino-*.dist-info/METADATA; do
    [ ! -f "$facts" ] || sed -i '/^Requires-Dist: openvino-telemetry/d' "$facts"
done
rm -rf "$packages"/openvino/include "$packages"/openvino/cmake

echo "stripped: $before MB -> $(du -sm "$1" | cut -f 1) MB"
