#!/bin/sh
# Installs what the tests need of Debian (PostgreSQL, Chromium, oathtool, SoftHSM) when root; otherwise says what is skipped.
# With WITH_GO=1 also Go, for the long run's reader of exports.
set -eu
say() { printf '%s\n' "$*" >&2; }

has_postgresql() {
    [ -n "${PG_BIN:-}" ] && [ -x "$PG_BIN/initdb" ] && return 0
    command -v initdb >/dev/null 2>&1 && return 0
    for initdb in /usr/lib/postgresql/*/bin/initdb; do [ -x "$initdb" ] && return 0; done
    return 1
}
has_browser() { [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1; }
has_oathtool() { command -v oathtool >/dev/null 2>&1; }
has_token() {
    [ -n "${SOFTHSM:-}" ] && [ -f "$SOFTHSM" ] && return 0
    for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
        [ -f "$module" ] && return 0
    done
    return 1
}
has_go() {
    [ "${WITH_GO:-}" = 1 ] || return 0
    command -v go >/dev/null 2>&1 && [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ]
}

missing=
has_postgresql || missing="$missing postgresql"
has_browser || missing="$missing chromium"
has_oathtool || missing="$missing oathtool"
has_token || missing="$missing softhsm2"
has_go || missing="$missing golang-go golang-golang-x-mod-dev"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "Installing for the tests:$missing"
    # Debian would start a cluster of its own; the tests make a private one and want no other.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # The names are separate words on purpose.
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; then exit 0; fi
    say "Debian's packages could not be installed:$missing"
fi

say "********************************************************************************"
has_postgresql || say "SKIPPED: every test on PostgreSQL. As root: apt-get install postgresql"
has_browser || say "SKIPPED: every browser journey. As root: apt-get install chromium"
has_oathtool || say "SKIPPED: checking codes with another's programme. As root: apt-get install oathtool"
has_token || say "SKIPPED: every test of a root key in a token. As root: apt-get install softhsm2"
has_go || say "SKIPPED: reading an export with a program in Go. As root: apt-get install golang-go golang-golang-x-mod-dev"
say "********************************************************************************"
