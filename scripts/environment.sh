# Sourced by the other scripts: a virtual environment in .venv with this project in it, and what it needs.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$(basename "$0"): $*"
    exit 1
}

# packages FILE:PACKAGE ... - installs the Debian packages whose file is not there; says what is missing where it cannot.
packages() {
    local missing=() pair file
    for pair in "$@"; do
        file=${pair%%:*}
        # shellcheck disable=SC2086
        compgen -G "$file" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing Debian packages: ${missing[*]}"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${missing[@]}"; } >/dev/null 2>/tmp/cloudsim-apt.log || {
            cat /tmp/cloudsim-apt.log >&2
            fail "could not install ${missing[*]}"
        }
    else
        fail "these Debian packages are missing: ${missing[*]} (run: sudo apt-get install ${missing[*]})"
    fi
}

python_command() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

# environment WHAT - makes .venv and installs WHAT (pip's words) into it, unless that was done for this setup.cfg.
environment() {
    local python mark
    python=$(python_command) || fail "Python 3.11 or newer is needed"
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
        say "making a virtual environment in .venv"
        rm -rf .venv
        if ! "$python" -m venv .venv 2>/dev/null; then
            rm -rf .venv
            packages "/nowhere:python3-venv"
            "$python" -m venv .venv || fail "could not make a virtual environment"
        fi
    fi
    mark=".venv/installed-$(printf '%s' "$*" | cksum | cut -d' ' -f1)"
    if [ ! -f "$mark" ] || [ setup.cfg -nt "$mark" ]; then
        say "installing $*"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" || fail "pip could not install $*"
        touch "$mark"
    fi
    # an editable install leaves compiling to the first start, where it is waited for
    .venv/bin/python -m compileall -q cloudsim || true
}
