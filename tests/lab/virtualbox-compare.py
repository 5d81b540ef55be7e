"""virtualbox-compare.py PLAN MACHINE HOW INFO MEDIA: judges a machine that VirtualBox imported by its plan.

PLAN is what `bpc plan --format json` says, INFO what `VBoxManage showvminfo --machinereadable`, MEDIA what
`list hdds` says of their disks. HOW is `whole`, or `plain` for an import without
VirtualBox's own element, which leaves much to VirtualBox. Prints how many facts it compared; one that differs ends it.
"""

import json
import re
import sys

plan_file, name, how, info_file, media_file = sys.argv[1:]
with open(plan_file, encoding="utf-8") as file:
    plan = json.load(file)
with open(info_file, encoding="utf-8") as file:
    info = dict(line.rstrip("\n").replace('"', "").split("=", 1) for line in file if "=" in line)
with open(media_file, encoding="utf-8") as file:
    listed = [dict(re.findall(r"^(\w[\w ]*): +(.*)$", text, re.M)) for text in file.read().split("\n\n")]
    media = {medium["Location"]: medium for medium in listed if medium}
[machine] = [one for one in plan["machines"] if one["name"] == name]
on_nat = {one["name"] for one in plan["machines"] if any(nic["attach"] == "nat" for nic in one["nics"])}
compared = 0


def fact(key, planned):
    """What VirtualBox says of a key is what is planned."""
    global compared
    compared += 1
    if info.get(key) != str(planned):
        sys.exit(f"{name} ({how}): {key} is {info.get(key)!r}, planned {planned!r}")


def matches(key, pattern):
    """What VirtualBox says of a key looks as planned."""
    global compared
    compared += 1
    if not re.fullmatch(pattern, info.get(key, "")):
        sys.exit(f"{name} ({how}): {key} is {info.get(key)!r}, planned {pattern!r}")


fact("name", name)
fact("cpus", machine["cpus"])
fact("memory", machine["memory_mib"])
fact("rtcuseutc", "on")
fact("usb", "off")
fact("vrde", "off")

settings = plan["virtualbox"]
whole = how == "whole"
if settings["chipset"] == "piix3":
    fact("ioapic", "on")
if whole:
    fact("chipset", settings["chipset"])
    fact("firmware", settings["firmware"].upper())
    fact("boot1", "disk")
    fact("boot2", "dvd")
    fact("uart1", "0x03f8,4")
    fact("uartmode1", "disconnected")
    fact("audio", "none")

nics = {nic["slot"]: nic for nic in machine["nics"]}
for slot in range(1, 9):
    nic = nics.get(slot)
    if not nic:
        fact(f"nic{slot}", "none")
        continue
    attach = nic["attach"]
    kind = {"nat": "nat", "internal": "intnet", "host-only": "hostonly"}[attach]
    if not whole and attach == "nat" and slot > 1:
        kind = "null"
    fact(f"nic{slot}", kind)
    fact(f"nictype{slot}", settings["adapter"])
    if whole:
        fact(f"macaddress{slot}", nic["mac"].replace(":", "").upper())
    if kind == "intnet":
        fact(f"intnet{slot}", nic["segment"] if whole else "intnet")
    # Not localhostReachable: 7.2.22 forgets what was imported of it whenever its server ends, as it does when nobody asks.
    if kind != "null":
        fact(f"cableconnected{slot}", "on")
if "bridged" in info.values():
    sys.exit(f"{name} ({how}): an adapter is bridged")

fact("storagecontrollertype0", settings["controller"] if whole else "IntelAhci")
if "storagecontrollername1" in info:
    sys.exit(f"{name} ({how}): there is another controller: {info['storagecontrollername1']}")
storage = info["storagecontrollername0"]
# The seed stands between the system disk and the others, as up.sh attaches them.
disks = {0: ("system", machine["disk_mib"])}
disks |= {port: (disk["name"], disk["mib"]) for port, disk in enumerate(machine["data_disks"], 2)}
for port, (disk, mib) in disks.items():
    matches(f"{storage}-{port}-0", rf".*/{disk}\.vmdk")
    found = media[info[f"{storage}-{port}-0"]]["Capacity"]
    compared += 1
    if found != f"{mib} MBytes":
        sys.exit(f"{name} ({how}): disk {disk} has {found}, planned {mib} MiB")
matches(f"{storage}-1-0", r".*/seed(_\d+)?\.iso")
attached = [key for key in info if re.fullmatch(rf"{storage}-\d+-0", key) and info[key] != "none"]
if len(attached) != len(disks) + 1:
    sys.exit(f"{name} ({how}): more is attached than planned: {attached}")

if whole:
    planned = set()
    for port in plan["ports"]:
        host, to = port["host_port"], port["machine_port"]
        if machine["role"] == "gateway" and (port["machine"] == name or port["machine"] not in on_nat):
            planned.add(f"tcp,127.0.0.1,{host},,{host}")
        elif port["machine"] == name and name in on_nat:
            planned.add(f"tcp,127.0.0.1,{host},,{to}")
    forwarded = {value.split(",", 1)[1] for key, value in info.items() if key.startswith("Forwarding(")}
    compared += 1 + len(planned)
    if forwarded != planned:
        sys.exit(f"{name}: {forwarded} are forwarded, planned {planned}")
print(compared)
