#!/usr/bin/python3
"""udebs.py SUITE INITRD FOLDER MIRROR [SECURITY]

A mirror for Debian's installer in front of one that has not all of its modules: serves /debian and /debian-security on
a port of the loopback address, which it writes into FOLDER/port, and is a proxy there that finds them on any host. It
asks MIRROR and SECURITY for everything but the installer's modules that are missing there. Those it makes of ordinary
packages of the release (programs, libraries, kernel modules), or takes from the next release; what it can do neither
for is left out of the list of modules.

FOLDER/made says what became of each. The list is signed anew, with a key whose public half, behind all others that
INITRD brings, is FOLDER/archive.gpg.

INITRD is the folder that the installer's initrd was unpacked into. Needs dpkg and gpg.
"""

import concurrent.futures
import functools
import hashlib
import http.server
import lzma
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

NEXT = {"bookworm": "trixie"}
ON_DEMAND = re.compile("apt-|grub-|os-prober|partman-")
# For machines of another kind: an emulated processor takes seconds for each.
UNUSED = re.compile("depthcharge|firewire|jfs-|kickseed|pcmcia|partman-(auto-raid|btrfs|cros|iscsi|jfs|nbd|zfs)")
# What an installer needs of a kernel package.
MODULES = re.compile(
    r"kernel/(arch|block|crypto|fs|lib|drivers/(ata|block|cdrom|char|firmware|md|nvme|nvdimm|scsi|virtio))/"
)
LEFT_OUT = re.compile(r"usr/share/(doc|man|locale|info|bash-completion|lintian|doc-base)/|.*/systemd/|usr/share/bug/")


# Some name servers answer no more after many questions.
socket.getaddrinfo = functools.cache(socket.getaddrinfo)


def get(url, method="GET"):
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return answer.read()


def has(url):
    try:
        get(url, "HEAD")
        return True
    except urllib.error.HTTPError:
        return False


def version(text):
    return [int(number) for number in re.findall("[0-9]+", text)]


def stanzas(text):
    """The stanzas of a list of packages, by name; of several versions the last."""
    found = {}
    for stanza in text.strip().split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): ?(.*(?:\n .*)*)", stanza, re.M))
        found[fields["Package"]] = fields
    return found


class Archive:
    """The lists of one release on the mirror."""

    def __init__(self, mirror, suite):
        self.mirror, self.suite, self.unpacked = mirror, suite, {}
        self.udebs = stanzas(self.list("debian-installer/binary-amd64"))
        self.packages = stanzas(self.list("binary-amd64"))
        for name, fields in self.udebs.items():
            if UNUSED.match(name):
                fields["Priority"] = "optional"

    def follow(self, kernel):
        """Lists the modules of a kernel that the list does not know yet: those of the newest one that it does."""
        known = sorted({it["Kernel-Version"] for it in self.udebs.values() if "Kernel-Version" in it}, key=version)
        if kernel not in known:
            for name in [name for name, it in self.udebs.items() if it.get("Kernel-Version") == known[-1]]:
                fields = {key: value.replace(known[-1], kernel) for key, value in self.udebs[name].items()}
                self.udebs[fields["Package"]] = fields

    def list(self, folder):
        packed = get(f"{self.mirror}/dists/{self.suite}/main/{folder}/Packages.xz")
        return lzma.decompress(packed).decode()

    def wanted(self):
        """The modules that an installer loads of itself or on demand, and what they depend on."""
        loaded = {name for name, it in self.udebs.items() if it["Priority"] not in ("optional", "extra")}
        loaded |= {name for name in self.udebs if ON_DEMAND.match(name)}
        left = [name for name in loaded if not UNUSED.match(name)]
        provided = {}
        for name, it in self.udebs.items():
            for one in it.get("Provides", "").split(","):
                provided.setdefault(re.split(r"[ (]", one.strip())[0], []).append(name)
        found = set()
        while left:
            name = left.pop()
            left += provided.get(name, [])
            if name in self.udebs and name not in found:
                found.add(name)
                left += re.findall(r"(?:^|[,|])\s*([a-z0-9.+-]+)", self.udebs[name].get("Depends", ""))
        return found

    def missing(self):
        names = sorted(self.udebs)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            there = pool.map(lambda name: has(f"{self.mirror}/{self.udebs[name]['Filename']}"), names)
            return [name for name, it in zip(names, there) if not it]

    def ordinary(self, name):
        """The package of the same programs or library."""
        for candidate in (name.removesuffix("-udeb"), name.removesuffix("-udeb") + "t64"):
            if name.endswith("-udeb") and candidate in self.packages:
                return candidate
        return None

    def unpack(self, name, work):
        if name not in self.unpacked:
            folder = work / name
            (work / "deb").write_bytes(get(f"{self.mirror}/{self.packages[name]['Filename']}"))
            subprocess.run(["dpkg-deb", "-x", work / "deb", folder], check=True)
            self.unpacked[name] = folder
        return self.unpacked[name]

    def libraries(self, name):
        """What a package depends on, and what that does, as far as it is libraries."""
        found, left = set(), [name]
        while left:
            fields = self.packages.get(left.pop(), {})
            for field in ("Depends", "Pre-Depends"):
                for one in fields.get(field, "").split(","):
                    library = re.split(r"[ (|:]", one.strip())[0]
                    if library.startswith("lib") and library in self.packages and library not in found:
                        found.add(library)
                        left.append(library)
        return sorted(found - {"libc6", name})


class Maker:
    """Makes the modules that are missing."""

    def __init__(self, archive, initrd, folder):
        self.archive, self.initrd, self.folder = archive, initrd, folder
        [self.kernel] = os.listdir(initrd / "lib/modules")
        archive.follow(self.kernel)
        self.work = folder / "work"
        self.work.mkdir()
        self.local, self.notes, self.next = {}, [], None
        self.wanted = archive.wanted()
        self.present = {path.name for path in initrd.rglob("lib*.so*")}
        self.inside = stanzas((initrd / "var/lib/dpkg/status").read_text())

    def make(self, name):
        """True if there is one now."""
        if name in self.inside:
            how = "is in the initrd"
        elif name not in self.wanted:
            return False
        elif f"-modules-{self.kernel}-di" in name:
            how = f"made of linux-image-{self.kernel}"
            self.pack(name, self.modules(name), "depmod -a || true\n" if name.startswith("ext4-") else "")
        elif "Installer-Menu-Item" not in self.archive.udebs[name] and self.archive.ordinary(name):
            how = f"made of {self.archive.ordinary(name)}"
            self.pack(name, self.programs(self.archive.ordinary(name)), "")
        elif self.from_next(name):
            how = f"that of {self.next.suite}: {self.next.udebs[name]['Version']}"
        else:
            self.notes.append(f"{name}: left out")
            return False
        self.notes.append(f"{name}: {how}")
        return True

    def modules(self, name):
        """All of them are in one package, since they depend on each other."""
        root = self.work / "root"
        root.mkdir()
        if name.startswith("ext4-"):
            unpacked = self.archive.unpack(f"linux-image-{self.kernel}", self.work)
            [top] = [*unpacked.glob("lib/modules/*"), *unpacked.glob("usr/lib/modules/*")]
            for path in top.rglob("*.ko*"):
                inner = path.relative_to(top)
                if MODULES.match(str(inner)):
                    target = root / "lib/modules" / self.kernel / inner
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
        return root

    def programs(self, package):
        root = self.work / "root"
        root.mkdir()
        for one in [package, *self.archive.libraries(package)]:
            unpacked = self.archive.unpack(one, self.work)
            for path in unpacked.rglob("*"):
                inner = path.relative_to(unpacked)
                library = re.match(r"lib.*\.so", path.name)
                unwanted = LEFT_OUT.match(str(inner)) or (one != package and not library)
                if path.is_dir() and not path.is_symlink() or unwanted or library and path.name in self.present:
                    continue
                (root / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, root / inner, follow_symlinks=False)
        if package == "lvm2":
            # Unlike the installer's own it would wait for udev rules that the installer does not have.
            (root / "etc/lvm/lvm.conf").write_text("activation { udev_sync = 0 udev_rules = 0 }\n")
        return root

    def from_next(self, name):
        if self.archive.suite not in NEXT:
            return False
        self.next = self.next or Archive(self.archive.mirror, NEXT[self.archive.suite])
        url = f"{self.archive.mirror}/{self.next.udebs.get(name, {}).get('Filename')}"
        if not has(url):
            return False
        self.replace(name, get(url))
        return True

    def pack(self, name, root, after):
        fields = self.archive.udebs[name]
        (root / "DEBIAN").mkdir()
        kept = ("Package", "Version", "Architecture", "Maintainer", "Depends", "Provides", "Section", "Description")
        control = "".join(f"{key}: {fields[key]}\n" for key in kept if key in fields)
        (root / "DEBIAN/control").write_text(control)
        if after:
            (root / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{after}")
            (root / "DEBIAN/postinst").chmod(0o755)
        output = self.work / "udeb"
        command = ["dpkg-deb", "--root-owner-group", "--nocheck", "-Zxz", "-z1", "-b", root, output]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(root)
        self.replace(name, output.read_bytes())

    def replace(self, name, content):
        fields = self.archive.udebs[name]
        self.local[fields["Filename"]] = content
        fields["Size"] = str(len(content))
        fields.pop("MD5sum", None)
        fields["SHA256"] = hashlib.sha256(content).hexdigest()


def sign(folder, initrd, release):
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "lab", "rsa2048", "sign"], check=True, stderr=subprocess.DEVNULL)
    key = subprocess.run([*gpg, "--export"], check=True, stdout=subprocess.PIPE).stdout
    keyring = (initrd / "usr/share/keyrings/debian-archive-keyring.gpg").read_bytes()
    (folder / "archive.gpg").write_bytes(keyring + key)
    signature = subprocess.run([*gpg, "--detach-sign"], input=release, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    return signature


def files(suite, initrd, folder, mirror):
    """What is served instead of what the mirror has."""
    archive = Archive(mirror, suite)
    maker = Maker(archive, initrd, folder)
    for name in archive.missing():
        if not maker.make(name):
            del archive.udebs[name]
    shutil.rmtree(maker.work)
    (folder / "made").write_text("".join(f"{note}\n" for note in maker.notes))
    text = "\n".join("".join(f"{k}: {v}\n" for k, v in it.items()) for it in archive.udebs.values())
    packed = lzma.compress(text.encode())
    inner = "main/debian-installer/binary-amd64/Packages"
    kept = [line for line in get(f"{mirror}/dists/{suite}/Release").decode().splitlines() if f" {inner}" not in line]
    own = f" {hashlib.sha256(packed).hexdigest()} {len(packed)} {inner}.xz"
    kept.insert(kept.index("SHA256:") + 1, own)
    release = ("\n".join(kept) + "\n").encode()
    served = dict(maker.local)
    served[f"dists/{suite}/Release"] = release
    served[f"dists/{suite}/Release.gpg"] = sign(folder, initrd, release)
    served[f"dists/{suite}/{inner}.xz"] = packed
    return {f"/debian/{path}": content for path, content in served.items()}


def handler(own, mirrors):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path = urllib.parse.urlsplit(self.path).path
            if path in own:
                return self.reply(200, own[path])
            top, _, rest = path.lstrip("/").partition("/")
            if top not in mirrors:
                return self.reply(404, b"")
            try:
                return self.reply(200, get(f"{mirrors[top]}/{rest}"))
            except urllib.error.HTTPError as error:
                return self.reply(error.code, b"")

        do_HEAD = do_GET

        def reply(self, status, content):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

    return Handler


def main():
    suite, initrd, folder, mirror = sys.argv[1:5]
    mirrors = {"debian": mirror.rstrip("/")}
    mirrors["debian-security"] = sys.argv[5].rstrip("/") if len(sys.argv) > 5 else mirrors["debian"] + "-security"
    folder = pathlib.Path(folder)
    own = files(suite, pathlib.Path(initrd), folder, mirrors["debian"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(own, mirrors))
    (folder / "port.new").write_text(str(server.server_port))
    (folder / "port.new").rename(folder / "port")
    server.serve_forever()


main()
