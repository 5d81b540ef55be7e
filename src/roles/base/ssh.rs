//! The SSH server: a host key with a certificate, the authority of users, and that of other hosts.

use super::super::known_hosts;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, SecretUse, Setup, Stage};
use crate::site::{Holder, Machine};

/// The host key. cloud-init removes all that is called `ssh_host_*key*` (`ssh_deletekeys`), so this one is not.
const HOST_KEY: &str = "/etc/ssh/bpc_host_ed25519_key";

/// `sshd_config(5)`. Of a keyword that is there twice the first value counts, and the distribution's file reads what is in
/// this folder first, in the order of names: an image's `10-image.conf` comes after this one. With a host key of ours sshd
/// offers no other.
const CONFIGURATION: &str = "\
# Which machine this is, and whom it lets in besides the keys of the blueprint.
HostKey /etc/ssh/bpc_host_ed25519_key
HostCertificate /etc/ssh/bpc_host_ed25519_key-cert.pub
TrustedUserCAKeys /etc/ssh/bpc_user_ca.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
";

/// The files, which are there before sshd starts for the first time, and the stage for when it has started long ago.
pub(super) fn add(credentials: &Credentials, machine: &Machine, setup: &mut Setup) -> Result<(), Bug> {
    let holder = Holder::Machine(machine.name.clone());
    let host = credentials.ssh().of(&holder)?;
    let secret = SecretUse { purpose: holder.ssh_purpose(), why: "sshd shows which machine it is" };
    let users = credentials.ssh().user_authority().public_line()?;
    let files = vec![
        File::secret(HOST_KEY, &host.key.private_openssh()?, secret),
        File::text(format!("{HOST_KEY}.pub"), host.key.public_line()? + "\n"),
        File::text(format!("{HOST_KEY}-cert.pub"), host.certificate.line()? + "\n"),
        File::text("/etc/ssh/bpc_user_ca.pub", users + "\n"),
        File::text("/etc/ssh/sshd_config.d/00-bpc.conf", CONFIGURATION),
    ];
    setup.apply(Stage::new(2, "ssh", &[], include_str!("ssh.sh")), files);
    setup.files.push(File::text("/etc/ssh/ssh_known_hosts", known_hosts::text(credentials)?));
    Ok(())
}
