//! keepalived: one of the two ways in which the floating address moves (keepalived.conf(5)).
//!
//! VRRP stays on the floating address's own network, which all holders are on: the gateway never sees it, and no
//! firewall needs a rule for it.
//!
//! A machine is in the election as long as its check succeeds. Unless the first machine is to take the address back, it
//! stays where it is when a better one returns: every move breaks connections.

use serde::Serialize;

use crate::bootstrap::CONSOLE;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::shell;
use crate::setup::{File, SecretUse, Setup, Stage};
use crate::site::{
    ALIVE_PATH, ALIVE_PORT, API_PORT, Failover, FloatingAddress, Keepalived, Machine, Role, SharedSecret,
    Site,
};
use crate::template::render;
use crate::value::Secret;

const PASSWORD: &str = "/etc/keepalived/password.conf";
const NOTIFY: &str = "/usr/local/lib/bpc/floating-address";

#[derive(Serialize)]
struct Configuration<'a> {
    machine: &'a str,
    /// The floating address's name.
    name: &'a str,
    address: String,
    /// The same with the prefix of its network.
    floating: String,
    interface: &'a str,
    virtual_router_id: u8,
    priority: u8,
    /// Lines that say how the election goes.
    election: &'static [&'static str],
    /// The machine's address on the network, and those of the others.
    own: String,
    peers: Vec<String>,
    check: Check,
    password: &'static str,
    notify: &'static str,
}

/// A check, with its times in seconds.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    script: &'static str,
    interval: u8,
    /// When a check that has not ended counts as failed.
    timeout: u8,
    fall: u8,
    rise: u8,
}

/// A connection breaks when the address moves, and each second before is one without service.
const HAPROXY: Check = Check {
    name: "haproxy",
    script: "/usr/local/lib/bpc/check-haproxy",
    interval: 1,
    timeout: 2,
    fall: 2,
    rise: 2,
};

/// An API server under load takes its time, and those beside it have no less to do.
const API_SERVER: Check = Check {
    name: "apiserver",
    script: "/usr/local/lib/bpc/check-apiserver",
    interval: 2,
    timeout: 5,
    fall: 3,
    rise: 2,
};

/// Adds keepalived, if the machine is one of several that it moves the floating address between.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let (Some(settings), Some(floating)) = (settings(site), site.floating_on(machine.role)) else {
        return Ok(());
    };
    setup.install(["curl", "keepalived"]);
    setup.stages.push(Stage::new(8, "keepalived-user", &[], include_str!("keepalived-user.sh")));
    let address = floating.address.to_string();
    setup.apply(
        Stage::new(45, "keepalived", &[], include_str!("keepalived.sh"))
            .undone_by(&[("FLOATING", &address)], include_str!("../release-address.sh")),
        vec![
            File::text("/etc/keepalived/keepalived.conf", configuration(site, settings, machine, floating)?),
            password(credentials)?,
            check(machine, floating),
            notify(machine, floating),
        ],
    );
    Ok(())
}

fn settings(site: &Site) -> Option<Keepalived> {
    match site.load_balancing.as_ref()?.failover.as_ref()? {
        Failover::Keepalived(keepalived) => Some(*keepalived),
        Failover::Pacemaker(_) => None,
    }
}

fn configuration(
    site: &Site,
    settings: Keepalived,
    machine: &Machine,
    floating: &FloatingAddress,
) -> Result<String, Bug> {
    let on = |machine: &Machine| machine.on(&floating.network).cloned();
    let own = on(machine).ok_or_else(|| Bug(format!("{} is not on {}", machine.name, floating.network)))?;
    let network = site.network(&floating.network).map_or(32, |network| network.cidr.prefix_len());
    let peers = site.with_role(floating.role).filter(|other| other.name != machine.name).filter_map(on);
    let configuration = Configuration {
        machine: &machine.name,
        name: &floating.name,
        address: floating.address.to_string(),
        floating: format!("{}/{network}", floating.address),
        interface: &own.interface,
        virtual_router_id: settings.virtual_router_id,
        priority: priority(site, machine),
        election: if settings.preempt { &[] } else { &["nopreempt"] },
        own: own.address().to_string(),
        peers: peers.map(|peer| peer.address().to_string()).collect(),
        check: check_of(floating.role),
        password: PASSWORD,
        notify: NOTIFY,
    };
    render("keepalived.conf", include_str!("keepalived.conf.j2"), &configuration)
}

/// In the order of the machines. Of priority P, a machine waits (256 - P) / 256 seconds longer than three advertisements
/// take until it thinks that nobody holds the address (RFC 3768, `Skew_Time`): steps of 10 keep 40 ms between them.
fn priority(site: &Site, machine: &Machine) -> u8 {
    let place = site.with_role(machine.role).position(|other| other == machine).unwrap_or(0);
    let step = u8::try_from(place).unwrap_or(u8::MAX).saturating_mul(10);
    200_u8.saturating_sub(step).max(1)
}

fn check_of(role: Role) -> Check {
    if role == Role::ControlPlane { API_SERVER } else { HAPROXY }
}

/// The secret is in a file of its own, so that everybody may read the configuration.
fn password(credentials: &Credentials) -> Result<File, Bug> {
    let secret = SharedSecret::VrrpPassword;
    let password = credentials.shared(secret)?;
    let values = Password {
        salt: credentials.salt(secret)?.expose(),
        password: std::str::from_utf8(password.expose())
            .map_err(|_| Bug("a password of bytes".to_owned()))?,
    };
    let text = render("password.conf", include_str!("password.conf.j2"), &values)?;
    let used = SecretUse { purpose: secret.as_str().to_owned(), why: "keepalived knows its peers" };
    Ok(File::secret(PASSWORD, &Secret::new(text), used))
}

#[derive(Serialize)]
struct Password<'a> {
    salt: &'a str,
    password: &'a str,
}

fn check(machine: &Machine, floating: &FloatingAddress) -> File {
    let path = check_of(floating.role).script;
    if floating.role != Role::ControlPlane {
        let url = format!("http://127.0.0.1:{ALIVE_PORT}{ALIVE_PATH}");
        return File::script(path, script(&[("URL", url)], include_str!("check-haproxy.sh")));
    }
    let variables = [
        ("OWN", machine.address().to_string()),
        ("FLOATING", floating.address.to_string()),
        ("PORT", API_PORT.to_string()),
    ];
    File::script(path, script(&variables, include_str!("check-apiserver.sh")))
}

fn notify(machine: &Machine, floating: &FloatingAddress) -> File {
    let variables = [("MACHINE", machine.name.clone()), ("FLOATING", floating.address.to_string())];
    File::script(NOTIFY, script(&variables, &format!("{CONSOLE}\n{}", include_str!("notify.sh"))))
}

fn script(variables: &[(&'static str, String)], body: &str) -> String {
    format!("#!/bin/sh\nset -eu\n{}\n{body}", shell::assignments(variables))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::{machine, site};
    use crate::vault::Vault;

    const TRIO: [&str; 1] = ["hapx: {role: load-balancer, count: 3, networks: [node, lb]}"];

    fn setup(site: &Site, name: &str) -> Setup {
        let credentials = Credentials::issue(site, &Vault::from_key([7; 32])).unwrap();
        let mut setup = Setup::default();
        add(site, &credentials, machine(site, name), &mut setup).unwrap();
        setup
    }

    fn text(setup: &Setup, path: &str) -> String {
        let file = setup.files.iter().find(|file| file.path == path).unwrap();
        String::from_utf8(file.content.bytes().to_vec()).unwrap()
    }

    #[test]
    fn all_of_them_start_alike_and_know_each_other() {
        let site = site(&TRIO, "load_balancer: {address: 10.2.0.9, keepalived: {virtual_router_id: 7}}");
        let configuration = text(&setup(&site, "hapx02"), "/etc/keepalived/keepalived.conf");
        let lines: Vec<&str> = configuration.lines().map(str::trim).collect();
        for line in [
            "state BACKUP",
            "nopreempt",
            "interface lb",
            "virtual_router_id 7",
            "priority 190",
            "unicast_src_ip 10.2.0.3",
            "10.2.0.9/24 dev lb",
        ] {
            assert!(lines.contains(&line), "{line} is not in {configuration}");
        }
        assert!(configuration.contains("{\n        10.2.0.2\n        10.2.0.4\n    }"), "{configuration}");
    }

    #[test]
    fn the_first_takes_it_back_only_if_it_is_to() {
        let site = site(&TRIO, "load_balancer: {address: 10.2.0.9, keepalived: {preempt: true}}");
        let configuration = text(&setup(&site, "hapx01"), "/etc/keepalived/keepalived.conf");
        assert!(!configuration.contains("nopreempt") && configuration.contains("priority 200"));
    }

    #[test]
    fn priorities_end_at_1() {
        let many = ["hapx: {role: load-balancer, count: 30, networks: [lb]}"];
        let site = site(&many, "load_balancer: {address: 10.2.0.99}");
        let priorities: Vec<u8> =
            site.with_role(Role::LoadBalancer).map(|machine| priority(&site, machine)).collect();
        assert_eq!((priorities[0], priorities[19], priorities[29]), (200, 10, 1));
    }

    #[test]
    fn the_password_is_in_a_file_of_its_own_that_no_digest_tells_about() {
        let site = site(&TRIO, "load_balancer: {address: 10.2.0.9}");
        let (one, two) = (setup(&site, "hapx01"), setup(&site, "hapx02"));
        let password = text(&one, PASSWORD);
        assert_eq!(password, text(&two, PASSWORD));
        let salt = password.lines().find_map(|line| line.strip_prefix("# ").filter(|it| !it.contains(' ')));
        assert_eq!(salt.map(str::len), Some(32));
        let secret = |setup: &Setup| -> Vec<(String, u32)> {
            let files = setup.files.iter().filter(|file| file.content.is_secret());
            files.map(|file| (file.path.clone(), file.mode)).collect()
        };
        assert_eq!(secret(&one), [(PASSWORD.to_owned(), 0o600)]);
    }

    #[test]
    fn others_have_nothing_of_it() {
        let alone = ["hapx: {role: load-balancer, networks: [lb]}"];
        for (site, name) in [
            (site(&alone, "load_balancer: {address: 10.2.0.9}"), "hapx"),
            (site(&TRIO, "load_balancer: {address: 10.2.0.9, failover: pacemaker}"), "hapx01"),
            (site(&TRIO, "load_balancer: {address: 10.2.0.9}"), "mast"),
        ] {
            assert_eq!(setup(&site, name), Setup::default());
        }
    }
}
