# The commands of everyday work. `just` lists them.

set positional-arguments := true

bpc := 'cargo run --release --'

[private]
@default:
    just --list --unsorted

import 'src/repository/blueprints.just'

# Run all tests; those whose program is missing are skipped
[group('development')]
test *ARGUMENT:
    cargo test "$@"

# Format the code
[group('development')]
fmt:
    cargo fmt

# Find what fmt, clippy, rustdoc and shellcheck object to
[group('development')]
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --no-deps
    shellcheck .ci/run tests/lab/*.sh tests/lab/guest-check tests/lab/installer-report

# Write the snapshots anew; review them with git diff
[group('development')]
snapshots:
    INSTA_UPDATE=always cargo test
    git status --short snapshots tests src

# Judge the dependencies: licences, sources, bans, known vulnerabilities
[group('development')]
deny:
    cargo deny check

# What must pass before a change is merged: installs what it needs
[group('proof')]
ci:
    bash .ci/run

# Build the Debian chroots in which the tests run the real programs
[group('proof')]
checkers *SUITE:
    bash tests/lab/checkers.sh target/checkers "$@"

# Build the Debian guest that prove-boot and prove-failover start, with more packages if they are named
[group('proof')]
guest SUITE='bookworm' *PACKAGE:
    bash tests/lab/guest.sh "$@"

# Boot machines of a blueprint from their seeds, side by side, and check them from inside
[group('proof')]
prove-boot NAME +MACHINE:
    #!/bin/sh
    set -eu
    name=$1
    shift
    for machine; do
      set -- "$@" "out/$name/machines/$machine/seed.iso"
      shift
    done
    exec bash tests/lab/boot.sh "$@"

# Boot machines where nothing can be downloaded: they retry STAGE, and nothing else is wrong
[group('proof')]
prove-offline NAME STAGE +MACHINE:
    #!/bin/sh
    set -eu
    name=$1
    stage=$2
    shift 2
    for machine; do
      set -- "$@" "out/$name/machines/$machine/seed.iso"
      shift
    done
    exec bash tests/lab/offline.sh "$stage" "$@"

# Have Debian's installer carry out what bpc wrote for it: just prove-installer [-f FIRMWARE] [-b BLUEPRINT] [-p | -m MACHINE] [SUITE]
[group('proof')]
prove-installer *ARGUMENT:
    bash tests/lab/installer.sh "$@"

# Have a machine make volumes and file systems of its disks, twice, and let them grow: just prove-storage [-s SUITE]
[group('proof')]
prove-storage *ARGUMENT:
    #!/bin/sh
    set -eu
    cargo run --release -- build tests/blueprints/storage --out target/lab/storage
    cargo run --release -- plan --format json tests/blueprints/storage |
      bash tests/lab/storage.sh "$@" target/lab/storage/storage/machines/store/seed.iso

# Have the real VirtualBox make, change, import and delete the machines of all blueprints; it starts none
[group('proof')]
prove-virtualbox:
    bash tests/lab/checkers.sh target/checkers sid
    BPC_REQUIRE_TOOLS=1 cargo test --test suite -- virtualbox::real virtualbox::hands --nocapture

# Cut the power of the machine that holds the floating address: just prove-failover [-s SUITE] NAME
[group('proof')]
prove-failover *ARGUMENT:
    #!/bin/sh
    set -eu
    for name; do :; done
    cargo run --release -- build "blueprints/$name"
    cargo run --release -- plan --format json "blueprints/$name" | bash tests/lab/failover.sh "$@"
