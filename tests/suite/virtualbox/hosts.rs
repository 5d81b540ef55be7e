//! Hosts that are not Linux, as far as a stand-in shows them: what is asked of VirtualBox there was never tried.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::lab::World;
use super::tiny;
use crate::built;

#[test]
fn a_mac_has_networks_in_place_of_adapters() {
    let one = built::blueprint("routed");
    let world = World::new(&one);
    world.write("uname-s", b"Darwin\n");
    world.up(&[]);
    assert_eq!(world.read("host-only/routed-desk"), "192.168.56.1\n255.255.255.0\n");
    let settings = world.of("gate", "settings");
    assert!(
        settings.contains("nic7 hostonlynet\n") && settings.contains("host-only-net7 routed-desk\n"),
        "{settings}"
    );
    world.calls();
    world.up(&[]);
    assert_eq!(world.changes(), Vec::<String>::new());
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(!world.path("host-only/routed-desk").exists());
}

#[test]
fn a_program_of_windows_gets_its_paths_and_its_line_ends_are_no_matter() {
    let world = World::new(&tiny());
    // What it says ends its lines as Windows does, and what it is told must be of Windows.
    let program = "#!/bin/sh\nset -eu\nfor word; do\n  shift\n  case $word in\n    C:*) word=${word#C:} ;;\n    /tmp/*) echo \"VBoxManage.exe: error: no path: $word\" >&2; exit 1 ;;\n  esac\n  set -- \"$@\" \"$word\"\ndone\ncode=0\nVBoxManage \"$@\" >\"$WORLD/said\" || code=$?\nsed -e 's|\"/tmp|\"C:/tmp|' -e 's|  /tmp|  C:/tmp|' -e 's/$/\\r/' \"$WORLD/said\"\nexit $code\n";
    let wslpath = "#!/bin/sh\ncase $1 in\n  -w) printf 'C:%s\\n' \"$2\" ;;\n  -u) printf '%s\\n' \"${2#C:}\" ;;\nesac\n";
    for (path, text) in [("bin/VBoxManage.exe", program), ("bin/wslpath", wslpath)] {
        world.write(path, text.as_bytes());
        fs::set_permissions(world.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    world.write("only-windows", b"");
    world.up(&[]);
    let calls = world.changes();
    assert!(calls.iter().any(|call| call.starts_with("startvm")), "{calls:?}");
    world.up(&[]);
    assert_eq!(world.changes(), Vec::<String>::new());
    world.succeed("dash", "down.sh", &[]);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(!world.path("Virtual Machines/tiny").exists());
}
