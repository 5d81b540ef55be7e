//! cloud-init's user-data (its documentation's module reference; Debian 12 has 22.4, Debian 13 has 25.1).

use base64ct::{Base64, Encoding};

use crate::artifact::Content;
use crate::bootstrap;
use crate::format::yaml::Yaml;
use crate::setup::{File, Setup};
use crate::site::{Machine, Site};
use crate::value::Secret;

/// Host name, user, files and the start of the bootstrap; all else is the bootstrap's work, because cloud-init tries
/// once what a machine may need the gateway for, and stages try until it is there.
pub(super) fn user_data(site: &Site, machine: &Machine, setup: &Setup) -> Content {
    let mut entries = vec![
        ("hostname", machine.name.as_str().into()),
        ("fqdn", site.fqdn(&machine.name).into()),
        ("manage_etc_hosts", false.into()),
        // Not cloud-init's work. Debian 12's schema takes a text here; both versions read this one as no.
        ("locale", "false".into()),
        ("users", users(site)),
        ("disable_root", true.into()),
        ("ssh_pwauth", false.into()),
        ("ssh_deletekeys", true.into()),
        ("ssh_genkeytypes", Yaml::seq(["ed25519"])),
        // The package sources are the image's own, or ours.
        ("apt", Yaml::map([("preserve_sources_list", true.into())])),
    ];
    entries.push(("write_files", Yaml::Seq(setup.files.iter().map(write_file).collect())));
    entries
        .push(("runcmd", Yaml::seq(bootstrap::start_commands().map(|argv| Yaml::seq(argv.iter().copied())))));
    // Nothing of the blueprint's own layout belongs here: a comment moved there must not re-seed a machine.
    let title = format!(" {} of {}, made by bpc", site.fqdn(&machine.name), site.name);
    let document = Yaml::map(entries).document(&["cloud-config", &title]).into_bytes();
    if setup.files.iter().any(|file| file.content.is_secret()) {
        Content::Secret(Secret::new(document))
    } else {
        Content::Public(document)
    }
}

fn users(site: &Site) -> Yaml {
    let mut user = vec![
        ("name", site.user.as_str().into()),
        ("shell", "/bin/bash".into()),
        // Debian 12's schema takes a string here, not a list.
        ("sudo", "ALL=(ALL) NOPASSWD:ALL".into()),
        ("lock_passwd", true.into()),
    ];
    // The schema takes no empty list.
    if !site.ssh_keys.is_empty() {
        user.push(("ssh_authorized_keys", Yaml::seq(site.ssh_keys.iter().map(String::as_str))));
    }
    Yaml::seq([Yaml::map([("name", "root".into()), ("lock_passwd", true.into())]), Yaml::map(user)])
}

fn write_file(file: &File) -> Yaml {
    let mut entries = vec![
        ("path", file.path.as_str().into()),
        ("owner", "root:root".into()),
        ("permissions", format!("{:04o}", file.mode).into()),
    ];
    match std::str::from_utf8(file.content.bytes()) {
        Ok(text) => entries.push(("content", text.into())),
        Err(_) => entries.extend([
            ("encoding", "b64".into()),
            ("content", Base64::encode_string(file.content.bytes()).into()),
        ]),
    }
    Yaml::map(entries)
}
