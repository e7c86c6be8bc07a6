#!/bin/sh
# Resolves every set anew and writes deploy/locks/ and deploy/uswds/package-lock.json; no file names a registry.
# The larger sets are constrained by the smaller, so that all agree on a version.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p deploy/locks build
export PIP_DISABLE_PIP_VERSION_CHECK=1

resolve() {
    target=$1
    shift
    printf 'Resolving %s\n' "$target"
    rm -f "build/$target"
    if ! .venv/bin/python -m piptools compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
        --no-emit-find-links --no-emit-trusted-host --no-annotate --no-header \
        --output-file "build/$target" "$@" 2>build/resolve.log; then
        cat build/resolve.log >&2
        exit 1
    fi
    mv "build/$target" "deploy/locks/$target"
}

resolve runtime.txt pyproject.toml
resolve hsm.txt --extra hsm --constraint deploy/locks/runtime.txt pyproject.toml
resolve dev.txt --extra dev --constraint deploy/locks/hsm.txt pyproject.toml
resolve bench.txt --extra dev --extra bench --constraint deploy/locks/dev.txt pyproject.toml
resolve node.txt deploy/setup/node.in

printf 'Resolving the design system\n'
(cd deploy/uswds && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved \
    --no-audit --no-fund --loglevel=error)

if grep -rnE 'https?://|"resolved"' deploy/locks deploy/uswds/package-lock.json; then
    printf 'A lock file names a registry; nothing of it may be committed.\n' >&2
    exit 1
fi
