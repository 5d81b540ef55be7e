//! From the plan to artifacts: one file an artifact kind. Nothing here can fail on what a user wrote.

mod disk;
mod installer;
mod network_config;
mod operator;
mod ovf;
mod report;
mod seed;
mod user_data;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::artifact::{Appliance, Artifact, Artifacts, Content, Kind, SharedDisk};
use crate::bootstrap;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::yaml::Yaml;
use crate::setup::{Setup, Setups};
use crate::site::{Distribution, Machine, Medium, SYSTEM_DISK, Site};

use ovf::File;

/// The artifacts of all machines, made side by side, those of the operator, the installer, and the report.
pub(crate) fn site(site: &Site, credentials: &Credentials, setups: &Setups) -> Result<Vec<Artifact>, Bug> {
    let machines = site.machines.par_iter().zip(&setups.machines);
    let made: Result<Vec<Vec<Artifact>>, Bug> =
        machines.map(|(one, setup)| machine(site, one, setup)).collect();
    let of_machines = made?.into_iter().flatten();
    let of_operator = operator::artifacts(&setups.operator);
    let of_all = of_installer(site)?.into_iter().chain(report::artifacts(site, credentials, setups)?);
    let ignore = Artifact::ignore(&site.name);
    Ok(of_machines.chain(of_operator).chain(of_all).chain([ignore]).collect())
}

/// What installs the system disk that all machines start from; Ubuntu's installer reads its answers from a seed.
fn of_installer(site: &Site) -> Result<Vec<Artifact>, Bug> {
    let mut documents = installer::documents(site)?;
    if !documents.is_empty() && site.image.distribution == Distribution::Ubuntu {
        documents.push(("seed.iso", seed::image(site, &documents)?));
    }
    let artifact = |(name, content)| Artifact {
        path: format!("installer/{name}"),
        kind: Kind::Installer,
        content,
        executable: false,
        // It is not of one machine but of all.
        origin: site.name.clone(),
    };
    Ok(documents.into_iter().map(artifact).collect())
}

/// All artifacts of one machine.
fn machine(site: &Site, machine: &Machine, setup: &Setup) -> Result<Vec<Artifact>, Bug> {
    let mut setup = setup.clone();
    setup.stages.push(bootstrap::packages(&setup.packages));
    setup.files.extend(bootstrap::files(&machine.name, &setup.stages));
    let user_data = user_data::user_data(site, machine, &setup);
    let network_config = network_config::network_config(site, machine);
    let meta_data = meta_data(site, machine, &[user_data.bytes(), network_config.as_bytes()]);
    let documents = [
        ("user-data", user_data),
        ("meta-data", meta_data.into()),
        ("network-config", network_config.into()),
    ];
    let image = seed::image(site, &documents)?;
    let mut files = Vec::new();
    let mut disks = Vec::new();
    for Medium { name, size } in site.media(machine) {
        let Some(capacity) = size else {
            files.push(file(site, machine, &name, format!("{name}.iso"), image.bytes()));
            continue;
        };
        let (path, image) = (format!("disks/{name}.vmdk"), disk::image(site, machine, &name, capacity)?);
        files.push(file(site, machine, &name, path.clone(), &image));
        disks.push((path, image));
    }
    let descriptor = ovf::descriptor(site, machine, &files)?;
    let artifact = |path: &str, kind: Kind, content: Content, executable: bool| Artifact {
        path: format!("machines/{}/{path}", machine.name),
        kind,
        content,
        executable,
        origin: machine.origin.clone(),
    };
    let mut artifacts = vec![artifact("seed.iso", Kind::Seed, image, false)];
    artifacts.push(artifact("machine.ovf", Kind::Ovf, descriptor.into(), false));
    for (path, image) in disks {
        artifacts.push(artifact(&path, Kind::Disk, Content::Public(image), false));
    }
    for (name, content) in documents {
        artifacts.push(artifact(name, Kind::CloudInit, content, false));
    }
    for file in setup.files {
        let path = format!("files{}", file.path);
        artifacts.push(artifact(&path, Kind::MachineFile, file.content, file.mode & 0o111 != 0));
    }
    Ok(artifacts)
}

/// What a descriptor says of a disk or a seed.
fn file(site: &Site, machine: &Machine, name: &str, href: String, bytes: &[u8]) -> File {
    File { href, length: bytes.len() as u64, uuid: site.disk_uuid(&machine.name, name) }
}

/// A machine of a site as one package, all of whose files are in one folder. Its system disk is the shared one, or,
/// without that, the empty one of the tree.
pub(crate) fn appliance<'a>(
    site: &Site,
    machine: &Machine,
    artifacts: &'a Artifacts,
    shared: Option<SharedDisk>,
) -> Result<Appliance<'a>, Bug> {
    let (mut described, mut files) = (Vec::new(), Vec::new());
    for Medium { name, size } in site.media(machine) {
        let (folder, end) = if size.is_some() { ("disks/", ".vmdk") } else { ("", ".iso") };
        let href = format!("{name}{end}");
        if let (SYSTEM_DISK, Some(SharedDisk { length, uuid })) = (name.as_str(), shared) {
            described.push(File { href: href.clone(), length, uuid });
            files.push((href, None));
            continue;
        }
        let path = format!("machines/{}/{folder}{href}", machine.name);
        let made = artifacts.files.iter().find(|artifact| artifact.path == path);
        let bytes = made.ok_or_else(|| Bug(format!("{path} was not made")))?.content.bytes();
        described.push(file(site, machine, &name, href.clone(), bytes));
        files.push((href, Some(bytes)));
    }
    Ok(Appliance { descriptor: ovf::descriptor(site, machine, &described)?, files })
}

/// The instance-id changes exactly when cloud-init has something new to do on the machine. It tells nothing about a
/// secret in there: who wanted to guess one by this digest would have to guess a key of 256 bits with it.
fn meta_data(site: &Site, machine: &Machine, seeded: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for document in seeded {
        hash.update((document.len() as u64).to_be_bytes());
        hash.update(document);
    }
    let digest = base16ct::lower::encode_string(&hash.finalize());
    let (digest, _) = digest.split_at(16);
    let name = &machine.name;
    Yaml::map([
        ("instance-id", format!("{}-{name}-{digest}", site.name).into()),
        ("local-hostname", name.as_str().into()),
    ])
    .to_string()
}
