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

/// Has VirtualBox on Windows, whose programs are called from Linux there.
fn on_windows(world: &World) {
    // What it says ends its lines as Windows does, and what it is told must be of Windows.
    let program = "#!/bin/sh\nset -eu\nfor word; do\n  shift\n  case $word in\n    C:*) word=${word#C:} ;;\n    /tmp/*) echo \"VBoxManage.exe: error: no path: $word\" >&2; exit 1 ;;\n  esac\n  set -- \"$@\" \"$word\"\ndone\ncode=0\nVBoxManage \"$@\" >\"$WORLD/said\" || code=$?\nsed -e 's|\"/tmp|\"C:/tmp|' -e 's|  /tmp|  C:/tmp|' -e 's/$/\\r/' \"$WORLD/said\"\nexit $code\n";
    let wslpath = "#!/bin/sh\ncase $1 in\n  -w) printf 'C:%s\\n' \"$2\" ;;\n  -u) printf '%s\\n' \"${2#C:}\" ;;\nesac\n";
    for (path, text) in [("bin/VBoxManage.exe", program), ("bin/wslpath", wslpath)] {
        world.write(path, text.as_bytes());
        fs::set_permissions(world.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    world.write("only-windows", b"");
}

#[test]
fn a_program_of_windows_gets_its_paths_and_its_line_ends_are_no_matter() {
    let world = World::new(&tiny());
    on_windows(&world);
    world.up(&[]);
    let calls = world.changes();
    assert!(calls.iter().any(|call| call.starts_with("startvm")), "{calls:?}");
    world.up(&[]);
    assert_eq!(world.changes(), Vec::<String>::new());
    world.succeed("dash", "down.sh", &[]);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(!world.path("Virtual Machines/tiny").exists());
}

#[test]
fn an_installer_on_windows_reads_its_medium_there() {
    let world = World::new(&built::changed("volumes", |text| text));
    on_windows(&world);
    world.write("installer.iso", b"an installer");
    let digest = "b2b3a11c02f14e36f2a5c148db1b5924fa96141da4b2fbfb262a469df53f6750";
    world.write("installer.iso.sha256", format!("{digest} *installer.iso\r\n").as_bytes());
    world.write("installer", b"paused");
    world.run("dash", "base-image.sh", &["../installer.iso"]);
    let list = world.read("Virtual Machines/volumes/volumes.base-image/installer.viso");
    let iso = world.path("home").join("../installer.iso").display().to_string();
    assert!(list.contains(&format!("--import-iso 'C:{iso}' ")), "{list}");
    world.write("installer", b"ends");
    world.succeed("dash", "base-image.sh", &["../installer.iso"]);
    world.succeed("dash", "up.sh", &[]);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(!world.path("Virtual Machines/volumes").exists());
}
