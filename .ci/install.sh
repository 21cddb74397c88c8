# Sourced by ./dev and .ci/run: installs the missing packages for a purpose.

tools_build=(clang-19 lld-19 cmake ninja-build)
tools_test=(git ca-certificates python3 pkg-config doxygen zsh fish libgtest-dev wasi-libc libclang-rt-19-dev libclang-rt-19-dev-wasm32 llvm-19)
# What the programs in vm/cli/tests/programs are compiled with; without them, their tests are skipped.
tools_programs=(clang-22 lld-22 libclang-rt-22-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 g++ dpkg-dev make tcl)
# What the Erlang application is built and tested with.
tools_erlang=(erlang-base erlang-dev erlang-eunit erlang-proper erlang-edoc erlang-dialyzer rebar3 elixir)
tools_format=(clang-format-19)
tools_tidy=(clang-tidy-19)
tools_gcc=(g++)
# What is built for other machines and systems with, by clang (for its libraries g++), and the emulator that runs it;
# nothing runs what is built for macOS. The machines are presets, too.
machines=(i686 s390x armhf riscv64 ppc64le aarch64 windows musl macos)
declare -A machine_triple=(
    [i686]=i686-linux-gnu [s390x]=s390x-linux-gnu [armhf]=arm-linux-gnueabihf
    [riscv64]=riscv64-linux-gnu [ppc64le]=powerpc64le-linux-gnu [aarch64]=aarch64-linux-gnu
    [windows]=x86_64-w64-windows-gnu [musl]=x86_64-linux-musl [macos]=aarch64-macos)
declare -A machine_emulator=(
    [i686]=qemu-i386-static [s390x]=qemu-s390x-static [armhf]=qemu-arm-static
    [riscv64]=qemu-riscv64-static [ppc64le]=qemu-ppc64le-static [aarch64]=qemu-aarch64-static
    [windows]="env WINEDEBUG=-all wine" [musl]=env)
# tools_machine MACHINE: the packages for it.
tools_machine() {
    case $1 in
        windows) echo g++-mingw-w64-x86-64-posix wine wine64 ;;
        musl | macos) ;; # .ci/zig does it
        *) echo "g++-${machine_triple[$1]} qemu-user-static" ;;
    esac
}
# What counts instructions.
tools_count=(valgrind)
# What builds bench/small/firmware, and emulates its board.
tools_firmware=(gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm)
# What makes and checks Debian packages.
tools_deb=(dpkg-dev debootstrap lintian gzip git)

# install PACKAGE...: with apt on Debian and its derivatives; elsewhere says what is needed and continues, since the
# tools may be installed under other names.
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
        "${as_root[@]}" apt-get -qq update || true # the existing lists may suffice
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install -y --no-install-recommends "${missing[@]}"
    } >&2
}

# Lists the missing tools; prints nothing if there are none.
elsewhere() {
    local package command missing=()
    for package in "$@"; do
        case $package in
            clang-19) command=clang++ ;;
            lld-19) command=ld.lld ;;
            ninja-build) command=ninja ;;
            clang-format-19) command=clang-format ;;
            clang-tidy-19) command=clang-tidy ;;
            cmake | git | python3 | pkg-config | doxygen | g++ | valgrind) command=$package ;;
            *) continue ;; # a library: CMake reports it if it is missing
        esac
        command -v "$command" >/dev/null || command -v "$command-19" >/dev/null || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] ||
        echo "This is not Debian; please install these Debian packages' equivalents: ${missing[*]} (clang 19 or newer)" >&2
}
