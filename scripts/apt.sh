# Sourced by the other scripts: system packages on Debian and its relatives.

# Print those of the named packages that are not installed.
missing_packages() {
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# Install packages as root or through sudo; fail where neither is possible or there is no apt-get.
install_packages() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then
        sudo=
    elif command -v sudo >/dev/null; then
        sudo=sudo
    else
        return 1
    fi
    # Package lists may be absent in a fresh container; an older list is good enough when there is one.
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >&2 && return 0
    $sudo apt-get update -qq >&2 && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >&2
}
