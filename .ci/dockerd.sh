#!/bin/bash
# A docker daemon for CI: `dockerd.sh start` starts one where none answers, `dockerd.sh stop` ends
# the one that start started. Somebody else's daemon is used and left alone.
#
# Only one daemon may run on a machine: a second one would take the first one's bridge away.
set -euo pipefail
state=${BYOA_DOCKERD_STATE:-/run/byoa-dockerd}

start() {
    if docker info >/dev/null 2>&1; then
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "No docker daemon answers and only root can start one: start yours, then try again" >&2
        exit 1
    fi
    mkdir -p "$state"
    # setsid: a ^C in the terminal must reach the script first, which stops the daemon in order.
    setsid dockerd --pidfile "$state/pid" --log-level warn >"$state/log" 2>&1 </dev/null &
    for _ in $(seq 150); do
        if docker info >/dev/null 2>&1; then
            echo "dockerd started, storage driver $(docker info --format '{{.Driver}}')"
            return
        fi
        sleep 0.2
    done
    echo "dockerd did not answer within 30 s; the end of $state/log:" >&2
    tail -n 20 "$state/log" >&2
    stop
    exit 1
}

stop() {
    [ -s "$state/pid" ] || return 0
    local pid
    pid=$(cat "$state/pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    if kill -0 "$pid" 2>/dev/null; then
        echo "dockerd $pid did not stop within 30 s: killed" >&2
        kill -9 "$pid"
    fi
    rm -rf "$state"
}

"$@"
