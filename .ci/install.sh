# Sourced by ./dev and .ci/run: installs the packages of a purpose where they are missing.

tools_build=(clang-19 lld-19 cmake ninja-build)
tools_test=(git ca-certificates python3 pkg-config doxygen libgtest-dev wasi-libc libclang-rt-19-dev libclang-rt-19-dev-wasm32)
tools_format=(clang-format-19)
tools_tidy=(clang-tidy-19)
tools_gcc=(g++)

# install PACKAGE...: on Debian and what derives from it through apt; elsewhere says what is wanted and goes on,
# since the tools may well be there under other names.
install() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        elsewhere "$@"
        return
    fi
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${missing[*]}" >&2
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    {
        "${as_root[@]}" apt-get -qq update || true # the lists at hand may do
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install -y --no-install-recommends "${missing[@]}"
    } >&2
}

# Names the tools that are not there; silent when all are.
elsewhere() {
    local package command missing=()
    for package in "$@"; do
        case $package in
            clang-19) command=clang++ ;;
            lld-19) command=ld.lld ;;
            ninja-build) command=ninja ;;
            clang-format-19) command=clang-format ;;
            clang-tidy-19) command=clang-tidy ;;
            cmake | git | python3 | pkg-config | doxygen | g++) command=$package ;;
            *) continue ;; # a library: CMake will say so
        esac
        command -v "$command" >/dev/null || command -v "$command-19" >/dev/null || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] ||
        echo "This is not a Debian; please install what it calls: ${missing[*]} (clang 19 or newer)" >&2
}
