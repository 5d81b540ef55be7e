"""Does on an empty file what Ubuntu's installer does on an empty disk, by its rules, with the program that it calls.

Arguments: a folder with `schema.json` and `user-data`, the bytes of the disk, and the firmware of the machine. Says on the
standard error what is wrong, or prints as JSON what was made: the partitions as sfdisk reads them back, the volumes in
their group, and what is mounted, in order. Sizes are in bytes.

* subiquity/models/filesystem.py: `apply_autoinstall_config` lets -1 be the largest gap, which for an empty disk is what
  is behind the other partitions, but for the last mebibyte; `needs_bootloader_partition` wants the mark on the disk with a
  BIOS, and else on a partition whose file system is mounted on /boot/efi; `get_lvm_size` takes a mebibyte off a partition,
  and leaves what is no whole extent of 4 MiB.
* curtin/commands/block_meta_v2.py: the first partition starts at a mebibyte, each other one at the next mebibyte behind
  the one before it; curtin/commands/block_meta.py: lvcreate rounds up to whole extents.
"""

import json
import subprocess
import sys

import yaml
from jsonschema import Draft7Validator

MEBIBYTE = 1 << 20
EXTENT = 4 << 20
SECTOR = 512
TYPES = {
    None: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    "bios_grub": "21686148-6449-6E6F-744E-656564454649",
    "boot": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
}


def refuse(reason):
    sys.exit(f"refused: {reason}")


def load(folder):
    with open(folder + "/schema.json") as file:
        schema = json.load(file)
    with open(folder + "/user-data") as file:
        text = file.read()
    if not text.startswith("#cloud-config\n"):
        refuse("no #cloud-config")
    Draft7Validator.check_schema(schema)
    document = yaml.safe_load(text)
    for error in Draft7Validator(schema).iter_errors(document):
        refuse(f"{list(error.absolute_path)}: {error.message}")
    return document["autoinstall"]["storage"]["config"]


def align(number):
    return (number + MEBIBYTE - 1) // MEBIBYTE * MEBIBYTE


def length(size):
    return int(size[:-1]) * MEBIBYTE


class Disk:
    def __init__(self, size):
        self.size, self.partitions, self.end = size, [], MEBIBYTE

    def add(self, action):
        start = align(self.end)
        last = self.size // MEBIBYTE * MEBIBYTE - MEBIBYTE
        if self.end == last:
            refuse("a partition behind the one that took the rest")
        size = last - start if action["size"] == -1 else length(action["size"])
        self.end = start + size
        self.partitions.append((start, size, TYPES[action.get("flag")]))
        return size

    def write(self, path):
        with open(path, "wb") as file:
            file.truncate(self.size)
        lines = [f"start={a // SECTOR}, size={b // SECTOR}, type={c}" for a, b, c in self.partitions]
        script = "\n".join(["label: gpt", "", *lines, ""])
        done = subprocess.run(["sfdisk", "--quiet", path], input=script, text=True, capture_output=True)
        if done.returncode:
            refuse(done.stderr)
        read = json.loads(subprocess.check_output(["sfdisk", "--json", path]))["partitiontable"]
        if read["label"] != "gpt" or read["sectorsize"] != SECTOR:
            refuse(read)
        return [[it["start"] * SECTOR, it["size"] * SECTOR, it["type"]] for it in read["partitions"]]


def main(folder, size, firmware):
    disk, seen, sizes, groups, volumes, mounts = Disk(int(size)), {}, {}, {}, [], []
    for action in load(folder):
        kind, name = action["type"], action["id"]
        if name in seen:
            refuse(f"{name} twice")
        below = action.get("devices") or [action[key] for key in ("device", "volgroup", "volume") if key in action]
        if any(other not in seen for other in below):
            refuse(f"{name} is made on what is not there")
        on = [seen[other] for other in below]
        seen[name] = action
        if kind == "partition":
            sizes[name] = disk.add(action)
        elif kind == "lvm_volgroup":
            groups[name] = sum((sizes[other] - MEBIBYTE) // EXTENT * EXTENT for other in below)
        elif kind == "lvm_partition":
            taken = -(-length(action["size"]) // EXTENT) * EXTENT
            groups[below[0]] -= taken
            if groups[below[0]] < 0:
                refuse(f"no room for {name}")
            volumes.append([on[0]["name"], action["name"], taken])
        elif kind == "format" and any(other.get("made") for other in on):
            refuse(f"{below[0]} is formatted twice")
        elif kind == "format":
            on[0]["made"] = action
        elif kind == "mount":
            path, made = action["path"], on[0]
            if any(m[0].startswith(path.rstrip("/") + "/") for m in mounts):
                refuse(f"{path} would hide another mount")
            volume = seen[made["volume"]]
            mounts.append([path, made["fstype"], action.get("options", ""), volume.get("name", volume["id"])])
            if firmware == "efi" and path == "/boot/efi" and volume.get("grub_device"):
                volume["boots"] = True
    marked = [it for it in seen.values() if it.get("grub_device")]
    boots = [it for it in marked if (it["type"] == "disk") == (firmware == "bios") and (firmware == "bios" or it.get("boots"))]
    if len(marked) != 1 or boots != marked:
        refuse("it does not boot")
    if firmware == "bios" and not any(it.get("flag") == "bios_grub" for it in seen.values()):
        refuse("a BIOS finds no boot loader behind a GUID partition table")
    if mounts[0][0] != "/" or len([it for it in seen.values() if it["type"] == "disk"]) != 1:
        refuse("no root, or not one disk")
    made = {"partitions": disk.write(folder + "/disk"), "volumes": volumes, "mounts": mounts}
    print(json.dumps({**made, "free": sum(groups.values())}))


main(*sys.argv[1:])
