//! cloud-init's user-data (its documentation's module reference; Debian 12 has 22.4, Debian 13 has 25.1).

use base64ct::{Base64, Encoding};

use crate::artifact::Content;
use crate::bootstrap;
use crate::format::yaml::Yaml;
use crate::setup::{File, Setup};
use crate::site::{Machine, Site};
use crate::value::Secret;

/// Host name, user, language, files and the start of the bootstrap; all else is the bootstrap's work, because
/// cloud-init tries once what a machine may need the gateway for, and stages try until it is there.
pub(super) fn user_data(site: &Site, machine: &Machine, setup: &Setup) -> Content {
    let mut entries = vec![
        ("hostname", machine.name.as_str().into()),
        ("fqdn", site.fqdn(&machine.name).into()),
        ("manage_etc_hosts", false.into()),
        ("locale", site.locale.as_str().into()),
        ("users", users(site)),
        ("disable_root", true.into()),
        ("ssh_pwauth", false.into()),
        ("ssh_deletekeys", true.into()),
        ("ssh_genkeytypes", Yaml::seq(["ed25519"])),
    ];
    if site.image.sources.is_some() {
        // Without this cloud-init would write its own package sources beside ours.
        entries.push(("apt", Yaml::map([("preserve_sources_list", true.into())])));
    }
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
    let keys = site.ssh_keys.iter().map(String::as_str);
    Yaml::seq([
        Yaml::map([("name", "root".into()), ("lock_passwd", true.into())]),
        Yaml::map([
            ("name", site.user.as_str().into()),
            ("shell", "/bin/bash".into()),
            // Debian 12's schema takes a string here, not a list.
            ("sudo", "ALL=(ALL) NOPASSWD:ALL".into()),
            ("lock_passwd", true.into()),
            ("ssh_authorized_keys", Yaml::seq(keys)),
        ]),
    ])
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
