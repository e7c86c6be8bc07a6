#!/bin/sh
# Makes ready to run: the virtual environment with one locked set, and the design system.
#   prepare.sh runtime|hsm|dev|bench
# Does nothing, in a few milliseconds, when both already match their lock files.
set -eu
cd "$(dirname "$0")/../.."
set_name=$1
lock=deploy/locks/$set_name.txt
python=${PYTHON:-python3}

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
say() { printf '%s\n' "$*" >&2; }

# The larger sets contain the smaller, so a development environment also serves a run.
packages_ready() {
    [ -x .venv/bin/python ] || return 1
    .venv/bin/python -c '' 2>/dev/null || return 1
    met=no
    for holder in runtime hsm dev bench; do
        [ "$holder" = "$set_name" ] && met=yes
        [ "$met" = yes ] || continue
        [ "$(cat ".venv/.locked-$holder" 2>/dev/null)" = "$(hash_of "deploy/locks/$holder.txt")" ] && return 0
    done
    return 1
}

design_lock=$(hash_of deploy/uswds/package-lock.json deploy/setup/design_system.py)
design_ready() { [ "$(cat vault/static/uswds/.locked 2>/dev/null)" = "$design_lock" ]; }

if packages_ready && design_ready; then exit 0; fi

if ! command -v "$python" >/dev/null 2>&1; then
    say "Python is missing. As root: apt-get install python3 python3-venv"
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "Python 3.11 or newer is needed; $python is older. Name a newer one: make PYTHON=python3.11 ..."
    exit 1
fi
have_environment() { .venv/bin/python -m pip --version >/dev/null 2>&1; }
if ! have_environment && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "python3-venv is missing. As root: apt-get install python3-venv"
    exit 1
fi

fetch_design() {
    deploy/setup/design-system.sh "$design_lock" &
    design_pid=$!
}

# The two downloads do not wait for each other; without npm the design system needs the environment first.
design_pid=
if ! design_ready && command -v npm >/dev/null 2>&1; then fetch_design; fi

outcome=0
if ! have_environment; then
    say "Making the virtual environment in .venv"
    "$python" -m venv --clear .venv
fi
if ! design_ready && [ -z "$design_pid" ]; then fetch_design; fi

if ! packages_ready; then
    mkdir -p build
    say "Installing the $set_name packages (by hash, nothing is built)"
    if .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile \
        --only-binary :all: --require-hashes --requirement "$lock" >build/pip.log 2>&1; then
        hash_of "$lock" >".venv/.locked-$set_name"
        # Later starts are quicker with bytecode; the first need not wait for it.
        nice -n 19 .venv/bin/python -m compileall -q .venv >/dev/null 2>&1 &
    else
        say "The packages could not be installed. Is the network there? All that pip said is in build/pip.log"
        outcome=1
    fi
fi
if [ -n "$design_pid" ]; then wait "$design_pid" || outcome=1; fi
exit $outcome
