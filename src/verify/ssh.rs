//! SSH: what sshd and ssh find by their configurations is what the plan says.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::artifact::Artifacts;
use crate::bug::Bug;
use crate::pki::ssh::{self, Certificate, Grant, Key};
use crate::site::{Holder, Site, SshCertificate};

/// Compares all certificates with their plan.
pub(super) fn verify(site: &Site, artifacts: &Artifacts) -> Result<(), Bug> {
    let files = Files(artifacts);
    let known_hosts = files.text("ssh/known_hosts")?;
    let hosts = known_hosts.lines().map(trusted).collect::<Option<BTreeSet<_>>>();
    let one =
        |keys: Option<BTreeSet<&str>>| keys.filter(|keys| keys.len() == 1)?.pop_first().map(str::to_owned);
    let host_authority = one(hosts).ok_or_else(|| differs("ssh/known_hosts"))?;
    let machines: Result<Vec<Machine<'_>>, Bug> =
        site.machines.iter().map(|machine| Machine::read(&files, &machine.name)).collect();
    let machines = machines?;
    if let Some(other) = machines.iter().find(|machine| machine.known_hosts != known_hosts) {
        return Err(differs(&format!("ssh_known_hosts of {}", other.name)));
    }
    let users = machines.iter().map(|machine| machine.user_authority).collect();
    let user_authority = one(Some(users)).ok_or_else(|| differs("an authority of users"))?;
    site.ssh.certificates.par_iter().try_for_each(|planned| {
        let (identity, authority) = match &planned.holder {
            Holder::Operator => {
                (files.identity("ssh/id_ed25519", "ssh/id_ed25519-cert.pub")?, &user_authority)
            }
            Holder::Machine(name) => {
                let machine = machines.iter().find(|machine| machine.name == name);
                let machine = machine.ok_or_else(|| Bug(format!("there is no machine {name}")))?;
                (files.identity(&machine.key, &machine.certificate)?, &host_authority)
            }
        };
        if identity.is_as(planned, authority) { Ok(()) } else { Err(differs(&planned.holder.ssh_purpose())) }
    })
}

/// The key of a line of `known_hosts` that is about an authority.
fn trusted(line: &str) -> Option<&str> {
    let (_patterns, key) = line.strip_prefix("@cert-authority ")?.split_once(' ')?;
    Some(key)
}

/// A machine's files, as its sshd finds them.
struct Machine<'a> {
    name: &'a str,
    key: String,
    certificate: String,
    user_authority: &'a str,
    known_hosts: &'a str,
}

impl<'a> Machine<'a> {
    fn read(files: &Files<'a>, name: &'a str) -> Result<Self, Bug> {
        let root = format!("machines/{name}/files");
        let configuration = files.text(&format!("{root}/etc/ssh/sshd_config.d/00-bpc.conf"))?;
        let path = |keyword: &str| {
            let mut words = configuration.lines().filter_map(|line| line.split_once(' '));
            let value = words.find(|(first, _)| *first == keyword).map(|(_, value)| format!("{root}{value}"));
            value.ok_or_else(|| differs(&format!("{keyword} of {name}")))
        };
        Ok(Self {
            name,
            key: path("HostKey")?,
            certificate: path("HostCertificate")?,
            user_authority: files.text(&path("TrustedUserCAKeys")?)?.trim_end(),
            known_hosts: files.text(&format!("{root}/etc/ssh/ssh_known_hosts"))?,
        })
    }
}

/// The public half of a private key, and the certificate beside it.
struct Identity {
    public: String,
    certificate: Certificate,
}

impl Identity {
    fn is_as(&self, planned: &SshCertificate, authority: &str) -> bool {
        self.certificate.grant().is_some_and(|grant| says(&grant, planned))
            && self.certificate.is_of(&self.public)
            && self.certificate.is_signed_by(authority)
    }
}

/// Whether a certificate grants what is planned.
fn says(grant: &Grant, planned: &SshCertificate) -> bool {
    let host = matches!(planned.holder, Holder::Machine(_));
    grant.id == planned.id
        && (grant.holder == ssh::Holder::Host) == host
        && grant.principals == planned.principals
        && (grant.validity.not_before, grant.validity.not_after) == (planned.from, planned.until)
}

struct Files<'a>(&'a Artifacts);

impl<'a> Files<'a> {
    fn text(&self, path: &str) -> Result<&'a str, Bug> {
        let file = self.0.files.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| Bug(format!("{path} was not made")))?;
        std::str::from_utf8(file.content.bytes()).map_err(|_| Bug(format!("{path} is no text")))
    }

    fn identity(&self, key: &str, certificate: &str) -> Result<Identity, Bug> {
        let line = self.text(certificate)?.trim_end();
        let unreadable = |error| Bug(format!("{certificate} cannot be read back: {error}"));
        let certificate = Certificate::from_line(line).map_err(unreadable)?;
        Ok(Identity { public: Key::public_line_of(self.text(key)?)?, certificate })
    }
}

fn differs(what: &str) -> Bug {
    Bug(format!("{what} is not as planned"))
}
