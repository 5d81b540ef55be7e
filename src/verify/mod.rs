//! Reads finished artifacts back and compares them with the plan: what differs is a bug in bpc, never a user's.

mod appliance;
mod installer;
mod ssh;
#[cfg(test)]
mod tests;
mod x509;

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use rayon::prelude::*;

use crate::artifact::{Artifact, Artifacts};
use crate::bug::Bug;
use crate::format::iso9660;
use crate::site::{Machine, Site};

/// Proves that every machine's seed holds its documents, and that these, its descriptor with its disks, and the
/// certificates say what the plan says.
pub(crate) fn verify(site: &Site, artifacts: &Artifacts) -> Result<(), Bug> {
    unique_paths(artifacts)?;
    site.machines.par_iter().try_for_each(|machine| {
        let verifier = Verifier { site, machine, artifacts };
        verifier.seed()?;
        verifier.network_config()?;
        verifier.descriptor()?;
        verifier.user_data()
    })?;
    installer::verify(site, artifacts)?;
    x509::verify(site, artifacts)?;
    ssh::verify(site, artifacts)?;
    match site.gateway() {
        Some(gateway) => Verifier { site, machine: gateway, artifacts }.leases(),
        None => Ok(()),
    }
}

fn unique_paths(artifacts: &Artifacts) -> Result<(), Bug> {
    let mut seen = BTreeSet::new();
    match artifacts.files.iter().find(|file| !seen.insert(&file.path)) {
        Some(file) => Err(Bug(format!("two artifacts are called {}", file.path))),
        None => Ok(()),
    }
}

fn artifact_at<'a>(artifacts: &'a Artifacts, path: &str) -> Result<&'a Artifact, Bug> {
    let found = artifacts.files.iter().find(|file| file.path == path);
    found.ok_or_else(|| Bug(format!("{path} was not made")))
}

/// The image in a folder has these documents of the folder in its root, and nothing else.
fn seed(artifacts: &Artifacts, folder: &str, documents: &[&str]) -> Result<(), Bug> {
    let path = format!("{folder}/seed.iso");
    let image = artifact_at(artifacts, &path)?.content.bytes();
    let volume = iso9660::read(image).map_err(|error| Bug(format!("{path} cannot be read back: {error}")))?;
    let mut expected = BTreeSet::new();
    for name in documents {
        expected.insert((*name, artifact_at(artifacts, &format!("{folder}/{name}"))?.content.bytes()));
    }
    let found = volume.entries.iter().map(|entry| match entry.content {
        iso9660::Content::File(bytes) => (entry.path.as_str(), bytes),
        iso9660::Content::Folder => (entry.path.as_str(), &[][..]),
    });
    if expected == found.collect() { Ok(()) } else { Err(Bug(format!("{path} is not as planned"))) }
}

struct Verifier<'a> {
    site: &'a Site,
    machine: &'a Machine,
    artifacts: &'a Artifacts,
}

impl Verifier<'_> {
    fn artifact(&self, name: &str) -> Result<&Artifact, Bug> {
        artifact_at(self.artifacts, &format!("machines/{}/{name}", self.machine.name))
    }

    fn differs(&self, what: &str) -> Bug {
        Bug(format!("the {what} of {} is not as planned", self.machine.name))
    }

    fn yaml(&self, name: &str) -> Result<serde_yaml::Value, Bug> {
        serde_yaml::from_slice(self.artifact(name)?.content.bytes())
            .map_err(|error| Bug(format!("{name} of {}: {error}", self.machine.name)))
    }

    fn seed(&self) -> Result<(), Bug> {
        let folder = format!("machines/{}", self.machine.name);
        seed(self.artifacts, &folder, &["user-data", "meta-data", "network-config"])
    }

    /// Adapters and addresses are those of the plan.
    fn network_config(&self) -> Result<(), Bug> {
        let document = self.yaml("network-config")?;
        let network = document.get("network").ok_or_else(|| self.differs("network-config"))?;
        let found = ["ethernets", "vlans"]
            .iter()
            .filter_map(|kind| network.get(kind)?.as_mapping())
            .flatten()
            .flat_map(|(name, interface)| interface_facts(name, interface))
            .collect::<BTreeSet<_>>();
        let mut planned = BTreeSet::new();
        for nic in &self.machine.nics {
            planned.insert((nic.interface.clone(), nic.mac.to_string()));
            for attachment in &nic.attachments {
                let addresses = attachment.addresses.iter().map(ToString::to_string);
                planned.extend(addresses.map(|address| (attachment.interface.clone(), address)));
            }
        }
        if planned == found { Ok(()) } else { Err(self.differs("network-config")) }
    }

    /// The gateway's DHCP knows every adapter on its networks, and no other.
    fn leases(&self) -> Result<(), Bug> {
        let served = |network: &str| self.site.network(network).is_some_and(|found| found.gateway.is_some());
        let mut planned = BTreeSet::new();
        for machine in self.site.machines.iter().filter(|machine| machine.name != self.machine.name) {
            for nic in &machine.nics {
                let on = nic.attachments.iter().filter(|on| served(&on.network));
                planned.extend(on.map(|on| (nic.mac.to_string(), on.address().to_string())));
            }
        }
        let text = String::from_utf8_lossy(self.artifact("files/etc/dnsmasq.d/bpc.conf")?.content.bytes());
        let found = text.lines().filter_map(|line| {
            let mut values = line.strip_prefix("dhcp-host=")?.split(',');
            Some((values.next()?.to_owned(), values.nth(1)?.to_owned()))
        });
        if planned == found.collect() { Ok(()) } else { Err(self.differs("bpc.conf of dnsmasq")) }
    }

    /// Host name and files are those of the plan, the files byte by byte those that are shown beside the seed.
    fn user_data(&self) -> Result<(), Bug> {
        let document = self.yaml("user-data")?;
        let text = |key: &str| document.get(key).and_then(serde_yaml::Value::as_str);
        let prefix = format!("machines/{}/files", self.machine.name);
        let shown = self.artifacts.files.iter().filter_map(|file| {
            let path = file.path.strip_prefix(&prefix)?;
            Some((path.to_owned(), file.content.bytes().to_vec()))
        });
        let written = document.get("write_files").and_then(serde_yaml::Value::as_sequence).into_iter();
        let written: Option<BTreeSet<_>> = written.flatten().map(written_file).collect();
        let agrees = text("hostname") == Some(&self.machine.name)
            && text("fqdn") == Some(&self.site.fqdn(&self.machine.name))
            && written == Some(shown.collect());
        if agrees { Ok(()) } else { Err(self.differs("user-data")) }
    }
}

/// The path and the bytes of an entry of `write_files`.
fn written_file(file: &serde_yaml::Value) -> Option<(String, Vec<u8>)> {
    let text = |key: &str| file.get(key).and_then(serde_yaml::Value::as_str);
    let content = text("content")?;
    let bytes = match text("encoding") {
        None => content.as_bytes().to_vec(),
        Some(_) => Base64::decode_vec(content).ok()?,
    };
    Some((text("path")?.to_owned(), bytes))
}

/// The addresses of an interface, Ethernet and IPv4, each with the interface's name.
fn interface_facts(name: &serde_yaml::Value, interface: &serde_yaml::Value) -> Vec<(String, String)> {
    let name = name.as_str().unwrap_or_default();
    let mac =
        interface.get("match").and_then(|found| found.get("macaddress")).and_then(serde_yaml::Value::as_str);
    let addresses = interface.get("addresses").and_then(serde_yaml::Value::as_sequence).into_iter().flatten();
    mac.into_iter()
        .chain(addresses.filter_map(serde_yaml::Value::as_str))
        .map(|fact| (name.to_owned(), fact.to_owned()))
        .collect()
}
