//! The answers for Debian's installer: judged by debconf, by the readers of initrds, and by the code of the installer that
//! reads recipes.

use std::collections::BTreeMap;
use std::fs;

use bpc::Compiled;
use bpc::value::Size;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{SUITES, document, layouts, lvm, quiet};
use crate::built::{blueprints, changed};
use crate::support::tools::{On, Tool, need, tool};

/// What an installation leaves of which nothing may stay, and what is to stay.
const GOES: [&str; 5] = [
    "etc/apt/apt.conf",
    "etc/ssh/ssh_host_rsa_key",
    "usr/lib/finish-install.d/08hw-detect",
    "var/lib/dbus/machine-id",
    "var/lib/dhcp/x.leases",
];
const STAYS: [&str; 6] = [
    "etc/apt/sources.list",
    "etc/cloud/cloud.cfg.d/90_dpkg.cfg",
    "etc/ssh/sshd_config",
    "etc/fstab",
    "usr/lib/finish-install.d/30hw-detect",
    "usr/lib/finish-install.d/95umount",
];

/// Does with a recipe what the installer does on an empty disk of so many megabytes, by its own functions: `auto_lvm_prepare`
/// decodes it and makes the partitions, `perform_recipe_by_lvm` the volumes. What the disk loses to alignment is taken off.
///
/// Prints the megabytes that all of it needs and those of the group, then each volume: name, file system, extents. The file
/// system is the one that is made, by `filesystem{ }`: the one in front is only a partition's type, and Debian 12's code
/// knows no XFS there.
const DIVIDE: &str = r#"
folder=$1 disk=$2 guided=$3
lib=/usr/share/bpc-installer/lib/partman/lib
NL='
'
restore_ifs() { IFS=' 	
'; }
db_get() { RET=; }
db_metaget() { RET=; return 1; }
DEVICES=/nonexistent
functions='expr01\|longmult\|human2longint\|human2longint_binary_unit\|convert_to_megabytes'
sed -n "/^\($functions\) *() *{/,/^}/p" "$lib/base.sh" >"$folder/base.sh"
. "$folder/base.sh"
. "$lib/recipes.sh"
decode_recipe "$folder/recipe" lvm
[ "$(min_size)" -le "$disk" ] || { echo "it needs $(min_size) MB"; exit 1; }
echo "needs $(min_size)"
volumes=$(echo "$scheme" | grep lvmok)
scheme=$(echo "$scheme" | grep -v lvmok)
free_size=$((disk - 3))
expand_scheme
group=$(echo "$scheme" | sed -n 's/^\([0-9]*\) .*method{ lvm }.*/\1/p')
echo "group $group"
scheme=$(echo "$volumes" | sed 's/^\([0-9]*\) \([0-9]*\) \([0-9]*\) /\1000 \2000 \3000 /')
free_size=$(($(human2longint "$guided") / 1000))
[ "$(min_size)" -le "$free_size" ] || { echo "the volumes need $(min_size) kB of $free_size"; exit 1; }
expand_scheme
extent=$(human2longint 4194.30K)
foreach_partition '
  name=$(echo $* | sed "s/.*lv_name{  *\([^ }]*\) *}.*/\1/")
  made=$(echo $* | sed -n "s/.* filesystem{ \([^}]*\) }.*/\1/p")
  echo "$name ${made:-linux-swap} $(($(human2longint "${1}K") / extent))"'
"#;

/// The answers of a blueprint's installer.
fn preseed(built: &Compiled) -> Option<&str> {
    Some(std::str::from_utf8(document(built, "preseed.cfg")?).unwrap())
}

fn overlay(built: &Compiled) -> &[u8] {
    document(built, "initrd-overlay.cpio.gz").unwrap()
}

fn with_layout(disk: Size, firmware: &str, lvm: &str) -> Compiled {
    super::with_layout("volumes", disk, firmware, lvm)
}

/// All blueprints that have an installer.
fn installed() -> Vec<Compiled> {
    let mut built = blueprints();
    built.retain(|one| preseed(one).is_some());
    built
}

/// The answer to a question, its lines joined as debconf joins them.
fn answer(preseed: &str, question: &str) -> String {
    let joined = preseed.replace("\\\n", "");
    let line = joined.lines().find_map(|line| line.strip_prefix(&format!("d-i {question} string ")));
    line.unwrap_or_else(|| panic!("no {question} in {preseed}")).to_owned()
}

#[test]
fn debconf_takes_every_answer() {
    for on in SUITES {
        let Some(debconf) = tool(on, "debconf-set-selections") else { continue };
        let bios = "{group: vg0, volumes: [{mount: /, size: 1GiB}]}";
        for one in installed().into_iter().chain([with_layout(Size::gib(8), "bios", bios)]) {
            let staged = debconf.stage(&[("preseed.cfg", preseed(&one).unwrap().as_bytes())]);
            let said = quiet(debconf.command().arg("-c").arg(staged.path_for("preseed.cfg")));
            assert_eq!(said, "", "{} on {on:?}", one.site.name);
        }
        // It would tell of a type that there is not, if only as a warning.
        let staged = debconf.stage(&[("preseed.cfg", b"d-i time/zone strnig UTC\n")]);
        let output = debconf.command().arg("-c").arg(staged.path_for("preseed.cfg")).output().unwrap();
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn readers_of_initrds_find_the_answers() {
    for on in SUITES {
        let Some(sh) = need(&[(on, "sh"), (on, "cpio"), (on, "lsinitramfs")]) else { continue };
        for one in installed() {
            let staged = sh.stage(&[("overlay", overlay(&one))]);
            let run = |script: &str| {
                let folder = staged.path_for("");
                quiet(sh.command().args(["-euc", &format!("cd \"$1\"; {script}"), "sh"]).arg(folder))
            };
            assert_eq!(run("gzip -dc overlay | cpio --quiet -t"), "preseed.cfg\n");
            assert_eq!(
                run("gzip -dc overlay | cpio --quiet -i --to-stdout preseed.cfg"),
                preseed(&one).unwrap()
            );
            assert_eq!(run("lsinitramfs overlay"), "preseed.cfg\n");
        }
    }
}

/// Has Debian's code divide a disk, and holds what it makes against what is planned.
fn divide(on: On, built: &Compiled) {
    let Some(sh) = tool(on, "sh") else { return };
    let preseed = preseed(built).unwrap();
    let (recipe, guided) =
        (answer(preseed, "partman-auto/expert_recipe"), answer(preseed, "partman-auto-lvm/guided_size"));
    let staged = sh.stage(&[("recipe", recipe.as_bytes())]);
    let disk = built.site.image.disk.bytes() / 1_000_000;
    let mut command = sh.command();
    command.args(["-c", DIVIDE, "sh"]).arg(staged.path_for("")).args([disk.to_string(), guided]);
    let said = quiet(&mut command);
    let mut made = BTreeMap::new();
    let mut megabytes = BTreeMap::new();
    for line in said.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [name, file_system, extents] => {
                assert!(made.insert(name, (file_system, extents.parse::<u64>().unwrap())).is_none());
            }
            [what, size] => assert!(megabytes.insert(what, size.parse::<u64>().unwrap()).is_none()),
            _ => panic!("{said}"),
        }
    }
    let planned = lvm(built).volumes.iter().map(|it| (it.name.as_str(), it.filesystem.as_str(), it.size));
    let planned: Vec<_> = planned.chain(lvm(built).swap.map(|size| ("swap", "linux-swap", size))).collect();
    assert_eq!(made.len(), planned.len(), "{said}");
    for (name, file_system, size) in planned {
        let (found, extents) = made[name];
        // Its size of an extent is 4 bytes too small, which makes an extent more beyond a terabyte.
        let expected = size.bytes() >> 22;
        assert!(
            found == file_system && (expected..=expected + 1).contains(&extents),
            "{name} {size}: {said}"
        );
        assert!(extents == expected || size > Size::gib(512), "{name} {size}: {said}");
    }
    // LVM keeps the first megabyte of the group's partition.
    let room = ((megabytes["group"] * 1_000_000) >> 22) - 1;
    let extents: u64 = made.values().map(|(_, extents)| extents).sum();
    assert!(extents <= room && megabytes["needs"] <= disk, "{room} extents: {said}");
}

#[test]
fn debians_installer_makes_what_is_planned() {
    for on in SUITES {
        for one in installed() {
            divide(on, &one);
        }
    }
}

#[test]
fn debians_installer_divides_any_disk() {
    let example =
        "{group: vg0, swap: 64MiB, volumes: [{mount: /, size: 256MiB}, {mount: /srv, size: 128MiB}]}";
    let all = format!("{{group: vg0, volumes: [{{mount: /, size: {}MiB}}]}}", (2048 << 10) - 1536);
    for on in SUITES {
        for firmware in ["bios", "efi"] {
            for mib in [2048, 2049, 10_000, 32 << 10, 500_003, 2048 << 10] {
                divide(on, &with_layout(Size::mib(mib), firmware, example));
            }
            divide(on, &with_layout(Size::gib(2048), firmware, &all));
        }
    }
}

#[test]
fn debians_installer_divides_disks_that_are_full() {
    let mut runner = TestRunner::deterministic();
    let layouts = layouts().prop_filter("a disk", |(disk, ..)| *disk <= Size::gib(2048));
    for _ in 0..8 {
        let (disk, firmware, lvm) = layouts.new_tree(&mut runner).unwrap().current();
        let built = with_layout(disk, firmware, &lvm);
        for on in SUITES {
            divide(on, &built);
        }
    }
}

/// 64 volumes that are none of them whole extents, nor whole megabytes.
#[test]
fn debians_installer_makes_many_volumes() {
    let volume = |index: u32| format!("{{mount: /srv/{index}, size: 65MiB}}");
    let volumes: Vec<String> = (1..64).map(volume).collect();
    let lvm = format!("{{group: vg0, volumes: [{{mount: /, size: 65MiB}}, {}]}}", volumes.join(", "));
    let disk = Size::mib(64 * 68 + 1536);
    for on in SUITES {
        for firmware in ["bios", "efi"] {
            divide(on, &with_layout(disk, firmware, &lvm));
        }
    }
}

#[test]
fn packages_come_through_the_proxy() {
    let built = changed("volumes", |text| text);
    assert_eq!(answer(preseed(&built).unwrap(), "mirror/https/proxy"), "http://proxy.example:3128/");
    let built = changed("volumes", |text| text.replace("  mirror: https://mirror.example/debian\n", ""));
    assert_eq!(answer(preseed(&built).unwrap(), "mirror/http/proxy"), "http://proxy.example:3128/");
    let built = changed("volumes", |text| text.replace("  proxy: http://proxy.example:3128\n", ""));
    assert!(preseed(&built).unwrap().contains("\nd-i mirror/https/proxy string\n"));
}

/// Runs the last command of the installer in a system that has these files; what is on its console, or nothing if a step
/// fails.
fn ended(sh: &Tool, files: &[&str], programs: &str) -> Option<String> {
    let staged = sh.stage(&files.iter().map(|path| (*path, &b"old\n"[..])).collect::<Vec<_>>());
    let root = staged.path_for("").display().to_string();
    let command = answer(preseed(&changed("volumes", |text| text)).unwrap(), "preseed/late_command");
    let command = command.replace("/dev/console", &format!("{root}/console"));
    let command = command.replace("/target", &root).replace(" /usr/", &format!(" {root}/usr/"));
    let output = sh.command().args(["-c", &format!("{programs}\n{command}")]).output().unwrap();
    let read = |path: &str| fs::read_to_string(staged.host_path().join(path));
    assert_eq!(output.status.success(), read("console").is_ok(), "{output:?}");
    let console = read("console").ok()?;
    for path in files {
        let goes = GOES.contains(path);
        assert_eq!(staged.host_path().join(path).exists(), !goes, "{path}");
    }
    assert_eq!(read("etc/machine-id").unwrap(), "");
    assert_eq!(read("etc/cloud/cloud.cfg.d/91_bpc.cfg").unwrap(), "grub_dpkg: {enabled: true}\n");
    Some(console)
}

#[test]
fn the_last_command_leaves_a_clean_image() {
    let Some(sh) = tool(On::Host, "dash") else { return };
    let always = ["etc/cloud/cloud.cfg.d/05_logging.cfg", "etc/machine-id"];
    let programs = "alias in-target=: apt-install=:";
    for more in [&[][..], &GOES] {
        let files = [&always[..], &STAYS, more].concat();
        assert_eq!(ended(&sh, &files, programs).unwrap(), "bpc: base-image ready\n");
    }
    // It says so only if all of it went well.
    assert_eq!(ended(&sh, &always, "alias in-target=false apt-install=:"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every build reads its own recipe back, and is none if that is not what is planned or does not fit.
    #[test]
    fn any_layout_is_read_back_as_it_is_planned((disk, firmware, lvm) in layouts()) {
        prop_assume!(disk <= Size::gib(2048));
        let built = with_layout(disk, firmware, &lvm);
        let recipe = bpc::format::recipe::Recipe::read(&answer(preseed(&built).unwrap(), "partman-auto/expert_recipe"));
        let least: u64 = recipe.unwrap().partitions.iter().map(|it| it.least).sum();
        prop_assert!(least <= disk.bytes() / 1_000_000);
    }
}
