//! `bpc bundle`: each machine as one file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::disk::DiskImage;
use super::{Sources, Status, Terminal, Vaults, all, made};
use crate::artifact::SharedDisk;
use crate::format::{ova, vmdk};
use crate::site::Machine;
use crate::write::Bundle;
use crate::{Bug, Compiled};

/// Bundles the machines of blueprints as OVA, each
/// with what is in `disk` on its system disk, into `out/<blueprint>.bundle`.
pub fn bundle(
    terminal: &mut Terminal<'_>,
    sources: Sources<'_>,
    out: &Path,
    vaults: Vaults<'_>,
    disk: Option<&Path>,
) -> Status {
    let sites = match all(terminal, sources) {
        Ok(sites) => sites,
        Err(status) => return status,
    };
    let image = disk.map(|path| {
        let image = DiskImage::open(path)?;
        image.suits(sites.iter().map(|found| &found.site)).map(|()| image)
    });
    let image = match image.transpose() {
        Ok(image) => image,
        Err(useless) => return terminal.fail_with_help(&useless.message, &useless.help),
    };
    let compiled = match made(terminal, &sites, vaults, out) {
        Ok(compiled) => compiled,
        Err(status) => return status,
    };
    if image.is_none() {
        terminal.no_disk();
    }
    for built in &compiled {
        match bundle_one(built, out, image.as_ref()) {
            Ok((folder, bytes)) => terminal.bundled(built, &folder, bytes),
            Err(message) => return terminal.fail(&message),
        }
    }
    Status::Success
}

/// A system disk that was brought into the format of appliances.
struct Transcoded {
    disk: SharedDisk,
    sha256: String,
    file: File,
}

fn bundle_one(built: &Compiled, out: &Path, image: Option<&DiskImage>) -> Result<(PathBuf, u64), String> {
    let machines = &built.site.machines;
    let name = |machine: &Machine| format!("{}.ova", machine.name);
    let names: Vec<String> = machines.iter().map(name).collect();
    let mut bundle = Bundle::begin(out, &built.site.name, &names).map_err(|error| error.to_string())?;
    let shared = image.map(|image| transcode(built, image, &bundle)).transpose()?;
    for machine in machines {
        let appliance = |out: &mut dyn Write| write(out, built, machine, shared.as_ref());
        bundle.add(&name(machine), &machine.origin, appliance).map_err(|error| error.to_string())?;
    }
    bundle.finish().map_err(|error| error.to_string())
}

/// Once for all machines.
fn transcode(built: &Compiled, image: &DiskImage, bundle: &Bundle) -> Result<Transcoded, String> {
    let file = bundle.scratch().map_err(|error| error.to_string())?;
    let uuid = built.site.shared_disk_uuid();
    let disk = vmdk::Disk { capacity: built.site.image.disk.bytes(), uuid: uuid.to_string() };
    let done = image.transcode(&disk, &file);
    let (length, sha256) =
        done.map_err(|error| format!("the system disk of '{}': {error}", built.site.name))?;
    Ok(Transcoded { disk: SharedDisk { length, uuid }, sha256, file })
}

fn write(
    out: &mut dyn Write,
    built: &Compiled,
    machine: &Machine,
    shared: Option<&Transcoded>,
) -> io::Result<()> {
    let bug = |bug: Bug| io::Error::other(bug.to_string());
    let appliance = built.appliance(machine, shared.map(|shared| shared.disk)).map_err(bug)?;
    let descriptor = held(format!("{}.ovf", machine.name), appliance.descriptor.as_bytes());
    let members = appliance.files.into_iter().map(|(name, bytes)| match (bytes, shared) {
        (Some(bytes), _) => Ok(held(name, bytes)),
        (None, Some(shared)) => shared.member(name),
        (None, None) => Err(bug(Bug(format!("nothing is in {name}")))),
    });
    let members = members.collect::<io::Result<_>>()?;
    let epoch = u64::try_from(built.site.epoch.as_second()).unwrap_or(0);
    ova::write(out, &machine.name, descriptor, members, epoch)
}

type Member<'a> = ova::Member<Box<dyn Read + 'a>>;

fn held(name: String, bytes: &[u8]) -> Member<'_> {
    let sha256 = base16ct::lower::encode_string(&Sha256::digest(bytes));
    ova::Member { name, length: bytes.len() as u64, sha256, content: Box::new(bytes) }
}

impl Transcoded {
    fn member(&self, name: String) -> io::Result<Member<'_>> {
        (&self.file).rewind()?;
        let content = Box::new(BufReader::with_capacity(1 << 20, &self.file));
        Ok(ova::Member { name, length: self.disk.length, sha256: self.sha256.clone(), content })
    }
}
