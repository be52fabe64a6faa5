#!/usr/bin/env bash
# Builds, runs, tests and debugs the kernel in QEMU. This is the one place that knows QEMU's arguments.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
output="$root/target/qemu"
cargo_target="${CARGO_TARGET_DIR:-$root/target}"

# Exit codes of QEMU: the guest writes 0x10 or 0x11 to isa-debug-exit, which answers (code << 1) | 1.
# A triple fault under -no-reboot gives 0, so 0 is never success.
readonly QEMU_PASS=33
readonly QEMU_FAIL=35

# Exit codes of `run`: 0 pass, 1 fail, 2 wrong use or something missing on the host, 3 unknown, 124 timeout.
readonly EXIT_FAIL=1
readonly EXIT_USE=2
readonly EXIT_UNKNOWN=3
readonly EXIT_TIMEOUT=124

# QEMU's `dgram` backend, which the tests use, came with this version.
readonly QEMU_MAJOR=7
readonly QEMU_MINOR=2

# Host port:guest port of the services that are forwarded by default, UDP and TCP.
readonly DEFAULT_SERVICES=(5007:7 5009:9 5013:13 5019:19)

command_name=run
card=isa
port=0x300
irq=9
machine=pc
memory=128M
net=user
append=
kernel="$output/kernel"
boot="$output/boot"
iso=
serial=
pcap=
capture=
timeout_seconds=
accelerator=tcg
debug=
no_reboot=
no_build=
print=
default_services=yes
forwards=()
cards=()
extra=()

usage() {
    cat <<'USAGE'
Usage: ./qemu-run.sh [COMMAND] [OPTION]... [-- ARGUMENT...]

Commands
  run        builds and boots the kernel in QEMU, its console on this terminal (default);
             leave with `poweroff`, or with Ctrl-A X
  build      builds the loader and the kernel: target/qemu/boot and target/qemu/kernel
  test       installs what is missing, builds, runs every test of the workspace;
             ARGUMENTs go to `cargo test`
  bench      builds and runs the measurements in QEMU; ARGUMENTs go to the program
  iso        makes target/qemu/net.iso, which GRUB boots (with the words of --append)
  help       prints this text

Options
  --pci               ne2k_pci instead of ne2k_isa
  --port N            first I/O port of ne2k_isa (default 0x300)
  --irq N             interrupt line of ne2k_isa (default 9)
  --add-card SPEC     another card with a backend of its own: isa,PORT,IRQ,NETDEV or pci,NETDEV
  --machine NAME      pc (default), q35, isapc, microvm, or any of QEMU's with properties
  --memory SIZE       RAM of the guest (default 128M)
  --append "K=V .."   the kernel's command line, e.g. "Ne2000.Irq=9 Log.Level=debug"
  --net NETDEV        QEMU's network backend without its id (default `user`), e.g.
                      tap,ifname=tap0,script=no,downscript=no; `none` takes the card out
  --hostfwd RULE      forwards another port, QEMU's syntax: udp::6000-:7; `none` drops the default
                      rules, which lead 5007, 5009, 5013 and 5019 (UDP and TCP) to 7, 9, 13 and 19
  --pcap FILE         records every frame
  --debug             waits for gdb on port 1234 and prints gdb's line
  --iso               boots target/qemu/net.iso instead of the loader (made first, with --append)
  --kernel FILE       another kernel image; `none` gives the loader no kernel
  --serial CHARDEV    the console's backend without its id (default: this terminal), e.g.
                      socket,path=/tmp/console,server=off
  --capture FILE      a second serial port (COM2) into a file, for `capture dump com2`
  --timeout SECONDS   ends QEMU after that time (default: none on a terminal, else 600; 0 = none)
  --kvm               KVM instead of TCG
  --no-reboot         a reset (or a triple fault) ends QEMU
  --no-build          takes the images in target/qemu as they are
  --print             only prints QEMU's command
  --print0            the same, each argument ended by a NUL, for programs
  -- ARGUMENT...      more arguments for QEMU

Exit status of `run`: 0 the guest powered off or passed, 1 it failed, 2 wrong use or something is
missing here, 3 unknown (any other end of QEMU), 124 timeout.
USAGE
}

say() {
    printf 'qemu-run.sh: %s\n' "$*" >&2
}

die() {
    say "$@"
    exit "$EXIT_USE"
}

# ---------------------------------------------------------------- what must be installed

run_as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# Installs Debian packages; fails where there is no apt or no right to use it.
install_packages() {
    command -v apt-get >/dev/null || return 1
    say "installing $*"
    run_as_root apt-get update -qq >&2 || say "apt-get update failed, trying with the lists that are there"
    run_as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2
}

require_qemu() {
    if ! command -v qemu-system-x86_64 >/dev/null; then
        install_packages qemu-system-x86 \
            || die "qemu-system-x86_64 is missing: install QEMU $QEMU_MAJOR.$QEMU_MINOR or newer" \
                "(Debian: qemu-system-x86, Fedora: qemu-system-x86-core, Homebrew: qemu)"
    fi
    local version major minor
    version="$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9]*\.[0-9]*\).*/\1/p')"
    version="${version:-0.0}"
    major="${version%%.*}"
    minor="${version#*.}"
    if ((major < QEMU_MAJOR || (major == QEMU_MAJOR && minor < QEMU_MINOR))); then
        die "QEMU $version is too old: $QEMU_MAJOR.$QEMU_MINOR or newer is needed"
    fi
}

require_cargo() {
    command -v cargo >/dev/null \
        || die "cargo is missing: install Rust 1.91 or newer (https://rustup.rs), and a C linker (cc)"
    command -v cc >/dev/null \
        || install_packages gcc libc6-dev \
        || die "a C linker (cc) is missing: install gcc or clang"
}

have_grub() {
    command -v grub-mkrescue >/dev/null && command -v xorriso >/dev/null && command -v mformat >/dev/null \
        && [[ -d /usr/lib/grub/i386-pc || -d /usr/share/grub/i386-pc ]]
}

require_grub() {
    have_grub \
        || install_packages grub-common grub-pc-bin xorriso mtools \
        || die "grub-mkrescue for i386-pc is missing: install it with xorriso and mtools" \
            "(Debian: grub-common grub-pc-bin xorriso mtools)"
}

# ---------------------------------------------------------------- building

# Replaces a file only when its content is new, and in one step, so that a QEMU that is being
# started never sees half of it.
install_image() {
    local from="$1" to="$2"
    cmp -s "$from" "$to" && return
    cp "$from" "$to.$$"
    mv "$to.$$" "$to"
}

build() {
    require_cargo
    mkdir -p "$output"
    # Only the two bare-metal packages: what host tools ask of shared crates must not reach them.
    (cd "$root" && cargo build --release --locked --bins --package boot --package kernel)
    install_image "$cargo_target/release/boot" "$output/boot"
    install_image "$cargo_target/release/kernel" "$output/kernel"
}

build_unless_told() {
    if [[ -z $no_build ]]; then
        build >&2
    fi
}

make_iso() {
    require_grub
    build_unless_told
    local tree="$output/iso.$$"
    mkdir -p "$tree/boot/grub"
    cp "$boot" "$tree/boot/loader"
    cp "$kernel" "$tree/boot/kernel"
    cat >"$tree/boot/grub/grub.cfg" <<GRUB
set timeout=0
set default=0
menuentry "net" {
    multiboot2 /boot/loader $append
    module2 /boot/kernel
}
GRUB
    local log="$tree.log"
    if ! grub-mkrescue -o "$tree.iso" "$tree" >"$log" 2>&1; then
        cat "$log" >&2
        die "grub-mkrescue failed"
    fi
    mv "$tree.iso" "$output/net.iso"
    rm -r "$tree" "$log"
}

# ---------------------------------------------------------------- QEMU's arguments

# Whether a UDP socket or a TCP listener of this host has the port. Linux only; elsewhere QEMU says it.
port_is_taken() {
    local protocol="$1" port="$2" table
    for table in "/proc/net/$protocol" "/proc/net/${protocol}6"; do
        [[ -r $table ]] || continue
        # Column 2 is the local address in hexadecimal, column 4 the state; 0A is LISTEN.
        if awk -v port="$(printf ':%04X' "$port")" -v protocol="$protocol" '
            NR > 1 && substr($2, length($2) - 4) == port && (protocol == "udp" || $4 == "0A") { found = 1 }
            END { exit !found }' "$table"; then
            return 0
        fi
    done
    return 1
}

# Prints `,hostfwd=..` for each default service whose host port is free.
default_forwards() {
    local service host guest protocol
    for service in "${DEFAULT_SERVICES[@]}"; do
        host="${service%%:*}"
        guest="${service##*:}"
        for protocol in udp tcp; do
            if port_is_taken "$protocol" "$host"; then
                say "host port $host/$protocol is taken: guest port $guest is not forwarded" \
                    "(--hostfwd $protocol::PORT-:$guest chooses another)"
            else
                printf ',hostfwd=%s::%s-:%s' "$protocol" "$host" "$guest"
            fi
        done
    done
}

# The netdev's text: QEMU wants `TYPE,id=net0,REST`.
netdev_argument() {
    local kind="${net%%,*}" rest="" rule
    [[ $net == *,* ]] && rest=",${net#*,}"
    printf '%s,id=net0%s' "$kind" "$rest"
    if [[ $kind == user ]]; then
        [[ -n $default_services ]] && default_forwards
        for rule in "${forwards[@]+"${forwards[@]}"}"; do
            printf ',hostfwd=%s' "$rule"
        done
    fi
}

# Another card: `isa,PORT,IRQ,NETDEV` or `pci,NETDEV`.
add_card_arguments() {
    local id="net$1" spec="$2" added_port added_irq backend device kind rest=""
    case "$spec" in
        isa,*,*,*)
            IFS=, read -r _ added_port added_irq backend <<<"$spec"
            device="ne2k_isa,iobase=$added_port,irq=$added_irq,netdev=$id"
            ;;
        pci,*)
            backend="${spec#*,}"
            device="ne2k_pci,netdev=$id,romfile="
            ;;
        *) die "--add-card takes isa,PORT,IRQ,NETDEV or pci,NETDEV" ;;
    esac
    kind="${backend%%,*}"
    [[ $backend == *,* ]] && rest=",${backend#*,}"
    qemu+=(-netdev "$kind,id=$id$rest" -device "$device")
}

network_arguments() {
    local number spec
    if [[ $net == none ]]; then
        qemu+=(-nic none)
        return
    fi
    qemu+=(-netdev "$(netdev_argument)")
    if [[ $card == pci ]]; then
        # Without its option ROM, which the loader has no use for.
        qemu+=(-device "ne2k_pci,netdev=net0,romfile=")
    else
        qemu+=(-device "ne2k_isa,iobase=$port,irq=$irq,netdev=net0")
    fi
    number=0
    for spec in "${cards[@]+"${cards[@]}"}"; do
        number=$((number + 1))
        add_card_arguments "$number" "$spec"
    done
    if [[ -n $pcap ]]; then
        qemu+=(-object "filter-dump,id=pcap0,netdev=net0,file=$pcap")
    fi
}

machine_arguments() {
    case "$machine" in
        microvm)
            # The PIC, the PIT and COM1 are asked for by name; the command line stays as it was given.
            qemu+=(-M "microvm,pic=on,pit=on,rtc=on,isa-serial=on,x-option-roms=off,auto-kernel-cmdline=off")
            ;;
        isapc)
            # Its own processor is a 486: no long mode.
            qemu+=(-M isapc -cpu qemu64)
            ;;
        *)
            qemu+=(-M "$machine")
            ;;
    esac
    qemu+=(-accel "$accelerator" -m "$memory")
    if [[ $accelerator == kvm ]]; then
        qemu+=(-cpu host)
    fi
}

boot_arguments() {
    if [[ -n $iso ]]; then
        qemu+=(-boot d -cdrom "$output/net.iso")
        return
    fi
    qemu+=(-kernel "$boot")
    if [[ $kernel != none ]]; then
        qemu+=(-initrd "$kernel")
    fi
    if [[ -n $append ]]; then
        qemu+=(-append "$append")
    fi
}

console_arguments() {
    if [[ -n $serial ]]; then
        local rest=""
        [[ $serial == *,* ]] && rest=",${serial#*,}"
        qemu+=(-chardev "${serial%%,*},id=console$rest" -serial chardev:console)
    elif [[ -t 0 && -t 1 ]]; then
        # Ctrl-C goes to the guest, Ctrl-A X ends QEMU.
        qemu+=(-serial mon:stdio)
    else
        qemu+=(-serial stdio)
    fi
    if [[ -n $capture ]]; then
        qemu+=(-chardev "file,id=capture,path=$capture" -serial chardev:capture)
    fi
}

qemu_command() {
    qemu=(qemu-system-x86_64)
    machine_arguments
    qemu+=(-nodefaults -display none)
    console_arguments
    qemu+=(-device "isa-debug-exit,iobase=0xf4,iosize=4")
    network_arguments
    boot_arguments
    if [[ -n $no_reboot ]]; then
        qemu+=(-no-reboot)
    fi
    if [[ -n $debug ]]; then
        qemu+=(-gdb tcp::1234 -S)
    fi
    qemu+=("${extra[@]+"${extra[@]}"}")
}

# ---------------------------------------------------------------- commands

# One word as a shell takes it, quoted only where it has to be.
quoted() {
    if [[ $1 =~ ^[A-Za-z0-9_@%+=:,./-]+$ ]]; then
        printf '%s' "$1"
    else
        printf "'%s'" "${1//\'/\'\\\'\'}"
    fi
}

print_command() {
    local word separator=""
    qemu_command
    if [[ $print == nul ]]; then
        printf '%s\0' "${qemu[@]}"
        return
    fi
    for word in "${qemu[@]}"; do
        printf '%s%s' "$separator" "$(quoted "$word")"
        separator=" "
    done
    printf '\n'
}

explain_gdb() {
    say "QEMU waits for gdb on port 1234:"
    say "  gdb $kernel -ex 'add-symbol-file $boot' -ex 'target remote localhost:1234'"
    say "  (\`hbreak\` sets a breakpoint before the kernel is mapped)"
}

# QEMU under the time limit. The limit keeps the terminal in the foreground, so that its keys reach QEMU.
run_qemu() {
    local limit="$timeout_seconds"
    if [[ -z $limit ]]; then
        if [[ -t 0 ]]; then limit=0; else limit=600; fi
    fi
    if [[ $limit == 0 ]]; then
        "${qemu[@]}"
    else
        timeout --foreground --kill-after=5 "$limit" "${qemu[@]}"
    fi
}

explain_status() {
    case "$1" in
        "$QEMU_PASS") exit 0 ;;
        "$QEMU_FAIL")
            say "the guest reported a failure"
            exit "$EXIT_FAIL"
            ;;
        124 | 137)
            say "timeout"
            exit "$EXIT_TIMEOUT"
            ;;
        0) say "QEMU ended without a verdict of the guest (closed from outside, reset or triple fault)" ;;
        *) say "QEMU ended with status $1" ;;
    esac
    exit "$EXIT_UNKNOWN"
}

run() {
    if [[ -n $print ]]; then
        print_command
        return
    fi
    require_qemu
    if [[ -n $iso ]]; then make_iso; else build_unless_told; fi
    if [[ -n $debug ]]; then explain_gdb; fi
    qemu_command
    local status=0
    run_qemu || status=$?
    explain_status "$status"
}

# Adds up cargo's `test result:` lines.
summary() {
    awk -v seconds="$2" '
        /^test result:/ { passed += $4; failed += $6; ignored += $8 }
        END {
            printf "all tests in %d s\n%d passed, %d failed, %d skipped\n", seconds, passed, failed, ignored
        }' "$1"
}

run_tests() {
    require_cargo
    require_qemu
    require_grub
    local start="$SECONDS" status=0 log="$output/test.log"
    build
    rm -rf "$output/failed"
    # The images are fresh: the harness need not build them again in each of its programs.
    export QEMU_RUN_BUILT=1
    (cd "$root" && cargo test --workspace --locked --no-fail-fast "${extra[@]+"${extra[@]}"}") 2>&1 | tee "$log" || status=$?
    summary "$log" "$((SECONDS - start))"
    if [[ -d "$output/failed" ]]; then
        say "serial logs and captures of failed tests: $output/failed"
    fi
    exit "$status"
}

run_bench() {
    require_cargo
    require_qemu
    build
    export QEMU_RUN_BUILT=1
    (cd "$root" && cargo bench --locked --package tests --bench packet_path -- "${extra[@]+"${extra[@]}"}")
}

# ---------------------------------------------------------------- the command line

is_command() {
    case "$1" in
        run | build | test | bench | iso | help) return 0 ;;
        *) return 1 ;;
    esac
}

# The value of an option: the next word, which must be there.
value_of() {
    [[ $2 -ge 2 ]] || die "$1 needs a value (./qemu-run.sh help)"
}

add_forward() {
    if [[ $1 == none ]]; then
        default_services=
    else
        forwards+=("$1")
    fi
}

parse() {
    if [[ $# -gt 0 && $1 != -* ]]; then
        is_command "$1" || die "unknown command \`$1\` (./qemu-run.sh help)"
        command_name="$1"
        shift
    fi
    while [[ $# -gt 0 ]]; do
        case "$1" in
            --port | --irq | --add-card | --machine | --memory | --append | --net | --hostfwd | --pcap | --kernel | --serial | --capture | --timeout)
                value_of "$1" "$#"
                parse_value "$1" "$2"
                shift
                ;;
            --)
                shift
                extra=("$@")
                return
                ;;
            *) parse_flag "$1" ;;
        esac
        shift
    done
}

parse_value() {
    case "$1" in
        --port) port="$2" ;;
        --irq) irq="$2" ;;
        --add-card) cards+=("$2") ;;
        --machine) machine="$2" ;;
        --memory) memory="$2" ;;
        --append) append="$2" ;;
        --net) net="$2" ;;
        --hostfwd) add_forward "$2" ;;
        --pcap) pcap="$2" ;;
        --kernel) kernel="$2" ;;
        --serial) serial="$2" ;;
        --capture) capture="$2" ;;
        --timeout) timeout_seconds="$2" ;;
    esac
}

parse_flag() {
    case "$1" in
        --pci) card=pci ;;
        --debug) debug=yes ;;
        --iso) iso=yes ;;
        --kvm) accelerator=kvm ;;
        --no-reboot) no_reboot=yes ;;
        --no-build) no_build=yes ;;
        --print) print=shell ;;
        --print0) print=nul ;;
        -h | --help) command_name=help ;;
        *) die "unknown option \`$1\` (./qemu-run.sh help)" ;;
    esac
}

main() {
    parse "$@"
    case "$command_name" in
        run) run ;;
        build) build ;;
        test) run_tests ;;
        bench) run_bench ;;
        iso)
            make_iso
            say "made $output/net.iso"
            ;;
        help) usage ;;
    esac
}

main "$@"
