#!/bin/sh
# The systems that we compare with, in an environment of their own: .venv-bench. torch is not
# installed a second time: what .venv has is seen from there.
set -eu
cd "$(dirname "$0")/.."
lock=requirements/bench.txt
[ ! .venv-bench/.stamp -nt "$lock" ] || exit 0
[ -x .venv-bench/bin/python ] || .venv/bin/python -m venv .venv-bench
echo "installing the peers into .venv-bench" >&2
PIP_QUIET=1 requirements/install.sh .venv-bench/bin/python "$lock"
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    > "$(.venv-bench/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
touch .venv-bench/.stamp
