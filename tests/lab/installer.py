#!/usr/bin/python3
"""installer.py UNTIL BLUEPRINT PARTITIONS REPORT
installer.py machine BLUEPRINT MACHINE

Judges what Debian's installer has made of an empty disk, by the blueprint alone: PARTITIONS is what `sfdisk --json`
says of the disk, REPORT what installer-report printed in the installer, UNTIL how far it was to come (divided or end).
Prints the layout; exit status 0 only if there is nothing to complain of.

With `machine`, prints what MACHINE is to have mounted, once it has started: mount point, device, MiB, file system and
options of each volume, and swap at last.
"""

import json
import re
import sys

import yaml

MIB = 1 << 20
EXTENT = 4 * MIB
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30, "TiB": 1 << 40}
ESP = ("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", 512 * MIB)
LINUX = {"gpt": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "dos": "83"}
MEMBER = {"gpt": "E6D6D379-F507-44C2-A23C-238F2A3DF928", "dos": "8e"}
BOOT = 768 * MIB

complaints = []


def check(what, found, planned):
    if found != planned:
        complaints.append(f"{what}: found {found!r}, planned {planned!r}")


def size(text):
    number, unit = re.fullmatch(r"([0-9]+)\s*([A-Za-z]+)", text).groups()
    return int(number) * UNITS[unit]


def extents(text):
    return -(-size(text) // EXTENT)


def volume_name(mount):
    return mount.strip("/").replace("-", "--").replace("/", "-") or "root"


def mapped(group, name):
    """The device of a volume, as the device mapper escapes names."""
    return "/dev/mapper/" + "-".join(part.replace("-", "--") for part in (group, name))


class Plan:
    """What the blueprint says."""

    def __init__(self, image):
        lvm = image["lvm"]
        self.efi = image.get("firmware") == "efi"
        self.group = lvm.get("group", "vg0")
        self.volumes, self.mounts = {}, {}
        for volume in lvm["volumes"]:
            mount = volume["mount"]
            name = volume_name(mount)
            self.volumes[name] = extents(volume["size"])
            device = mapped(self.group, name)
            self.mounts[mount] = (device, volume.get("filesystem", "ext4"), set(volume.get("options", [])))
        self.swap = None
        if "swap" in lvm:
            self.volumes["swap"] = extents(lvm["swap"])
            self.swap = mapped(self.group, "swap")


def sections(path):
    found, lines = {}, []
    for line in open(path):
        line = line.rstrip("\n")
        if line.startswith("== "):
            lines = found.setdefault(line[3:], [])
        elif line.strip():
            lines.append(line)
    return found


def partitions(plan, table):
    table = table["partitiontable"]
    sector = table["sectorsize"]
    found = [(it["type"], it["size"] * sector, it.get("bootable", False)) for it in table["partitions"]]
    label = "gpt" if plan.efi else "dos"
    check("label", table["label"], label)
    planned = [ESP] if plan.efi else []
    planned.append((LINUX[label], BOOT))
    check("types", [it[0] for it in found], [it[0] for it in planned] + [MEMBER[label]])
    for index, (_, length) in enumerate(planned):
        # The installer counts in megabytes, and moves borders to whole MiB.
        if index < len(found) and abs(found[index][1] - length) > MIB:
            complaints.append(f"partition {index + 1}: found {found[index][1]} bytes, planned {length}")
    check("marks", [it[2] for it in found], [False] * 3 if plan.efi else [True, False])
    for number, (kind, length, _) in enumerate(found, 1):
        print(f"partition {number}: {length / MIB:.0f} MiB, type {kind}")


def volumes(plan, report):
    [group] = [line.split() for line in report["groups"]]
    name, extent, count, free = group[0], *map(int, group[1:])
    check("group", (name, extent), (plan.group, EXTENT))
    number = 3 if plan.efi else 2
    check("members", [line.split() for line in report["members"]], [[f"/dev/vda{number}", plan.group]])
    found = {it[1]: int(it[2]) / EXTENT for it in map(str.split, report["volumes"]) if it[0] == plan.group}
    check("volumes", found, plan.volumes)
    check("free extents", free, count - sum(plan.volumes.values()))
    for name, length in found.items():
        print(f"volume {name}: {length * 4:.0f} MiB")
    print(f"free: {free * 4} MiB of {count * 4}")


def mounts(plan, report):
    planned = dict(plan.mounts)
    planned["/boot"] = ("/dev/vda2" if plan.efi else "/dev/vda1", "ext4", set())
    if plan.efi:
        planned["/boot/efi"] = ("/dev/vda1", "vfat", set())
    found = {}
    for line in report["mounted"]:
        device, target, kind, options = line.split()[:4]
        target = target.removeprefix("/target") or "/"
        if target in planned or device.startswith("/dev/") and not target.startswith(("/dev", "/media", "/cdrom")):
            found[target] = (device, kind)
            # Of those about times the kernel shows what they come to.
            wanted = planned.get(target, ("", "", set()))[2] & {"nodev", "nosuid", "noexec", "discard"}
            check(f"{target} is mounted with", wanted & set(options.split(",")), wanted)
    check("mounted", found, {target: it[:2] for target, it in planned.items()})
    check("swap", [line.split()[0] for line in report["swaps"][1:]] != [], plan.swap is not None)
    table = [line.split() for line in report["fstab"] if not line.startswith("#")]
    listed = {it[1]: it for it in table if it[1].startswith("/") and not it[1].startswith("/media")}
    check("fstab", sorted(listed), sorted(planned))
    for target, (device, kind, options) in planned.items():
        if target in listed:
            line = listed[target]
            check(f"fstab {target}", line[2], kind)
            kept = set(line[3].split(",")) - {"defaults", "errors=remount-ro", "umask=0077"}
            check(f"fstab {target} options", kept, options)
            if device.startswith("/dev/mapper/"):
                check(f"fstab {target} device", line[0], device)
            print(f"mount {target}: {' '.join(line[:4])}")
    check("fstab swap", [it[0] for it in table if it[2] == "swap"], [plan.swap] if plan.swap else [])


def system(report):
    check("left of the installation", report["left"], [])
    lines = [line for line in report["interfaces"] if not line.startswith("#")]
    check("interfaces", lines, ["source /etc/network/interfaces.d/*", "auto lo", "iface lo inet loopback"])
    check("root's password", report["root"], ["*"])
    check("users", report["users"], [])
    there = {it[0] for it in map(str.split, report["packages"]) if it[1] == "installed"}
    for package in ("cloud-init", "lvm2", "netplan.io", "openssh-server", "sudo", "systemd-resolved"):
        check(f"package {package}", package in there, True)
    check("packages for a hypervisor", there & {"hyperv-daemons", "open-vm-tools", "qemu-guest-agent"}, set())
    for line in report["space"]:
        print(f"used: {line}")


def mounted(blueprint, name):
    """The volumes of the image, those of the machine in their places, and what it adds; in extents as large as it says."""
    [written] = [it for key, it in blueprint["machines"].items() if re.fullmatch(f"{key}([0-9]+)?", name)]
    lvm = blueprint["image"]["lvm"]
    volumes = {it["mount"]: {"group": lvm.get("group", "vg0"), **it} for it in lvm["volumes"]}
    for volume in written.get("volumes", []):
        mount = volume["mount"]
        volumes[mount] = {"group": lvm.get("group", "vg0"), **volumes.get(mount, {}), **volume}
    for mount, volume in volumes.items():
        device = mapped(volume["group"], volume_name(mount))
        # Of those about times the kernel shows what they come to.
        options = {"rw", *volume.get("options", [])} - {"noatime", "nodiratime", "relatime"}
        mib = extents(volume["size"]) * EXTENT // MIB
        print(mount, device, mib, volume.get("filesystem", "ext4"), ",".join(sorted(options)))
    if "swap" in lvm:
        print("none", mapped(lvm.get("group", "vg0"), "swap"), extents(lvm["swap"]) * EXTENT // MIB, "swap", "-")


def main():
    if sys.argv[1] == "machine":
        return mounted(yaml.safe_load(open(sys.argv[2])), sys.argv[3])
    until, blueprint, table, report = sys.argv[1:]
    image = yaml.safe_load(open(blueprint))["image"]
    plan, report = Plan(image), sections(report)
    for step in ["divided"] + (["installed"] if until == "end" else []):
        if f"end {step}" not in report:
            sys.exit(f"installer.py: the installer did not come to '{step}'")
    partitions(plan, json.load(open(table)))
    volumes(plan, report)
    mounts(plan, report)
    if until == "end":
        system(report)
    for complaint in complaints:
        print(f"wrong: {complaint}", file=sys.stderr)
    sys.exit(bool(complaints))


main()
