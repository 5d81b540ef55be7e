//! HAProxy's configuration (its configuration manual, 2.6 to 3.0).

use serde::Serialize;

use crate::bug::Bug;
use crate::site::{
    ALIVE_PATH, ALIVE_PORT, CheckKind, FloatingAddress, Frontend, LoadBalancing, Machine, Mode, Site,
};
use crate::template::render;

/// Where the list of those stands who may see the statistics page.
pub(super) const USERS: &str = "/etc/haproxy/users.cfg";
/// Where the authority of the API stands.
pub(super) const AUTHORITY: &str = "/etc/haproxy/kubernetes-ca";

/// Connections to the statistics page, and likewise to what says that HAProxy is alive.
const OWN_CONNECTIONS: u64 = 10;

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    machine: &'a str,
    users: &'static str,
    address: String,
    max_connections: u64,
    own_connections: u64,
    frontends: Vec<Balanced<'a>>,
    alive_port: u16,
    alive_path: &'static str,
    stats_address: String,
    stats_port: u16,
}

#[derive(Serialize)]
struct Balanced<'a> {
    name: &'a str,
    port: u16,
    mode: &'static str,
    max_connections: u32,
    idle_timeout: String,
    /// Lines of the backend that its mode and its check need.
    options: Vec<String>,
    interval: String,
    fall: u32,
    rise: u32,
    /// Whom a check over TLS trusts, with a blank before.
    verify: String,
    servers: Vec<String>,
}

/// The whole configuration of a machine, but for the list of those who may see the statistics page.
pub(super) fn configuration(
    site: &Site,
    machine: &Machine,
    floating: &FloatingAddress,
    balancing: &LoadBalancing,
) -> Result<String, Bug> {
    let frontends = &balancing.frontends;
    let let_in: u64 = frontends.iter().map(|frontend| u64::from(frontend.max_connections)).sum();
    let configuration = Configuration {
        name: &site.name,
        machine: &machine.name,
        users: USERS,
        address: floating.address.to_string(),
        max_connections: let_in + 2 * OWN_CONNECTIONS,
        own_connections: OWN_CONNECTIONS,
        frontends: frontends.iter().map(balanced).collect(),
        alive_port: ALIVE_PORT,
        alive_path: ALIVE_PATH,
        stats_address: super::stats_attachment(machine, balancing)?.address().to_string(),
        stats_port: balancing.stats.port,
    };
    render("haproxy.cfg", include_str!("haproxy.cfg.j2"), &configuration)
}

fn balanced(frontend: &Frontend) -> Balanced<'_> {
    let of_mode = match frontend.mode {
        Mode::Tcp => &[][..],
        // The servers see the load balancer's address, and learn the client's this way.
        Mode::Http => &["option forwardfor", "balance roundrobin"],
    };
    let options = of_mode.iter().map(|&option| option.to_owned()).chain(check(&frontend.check.kind));
    let verify = match frontend.check.kind {
        // All API servers have this name in their certificates, and only they have (kubeadm, "apiserver").
        CheckKind::ApiReady => format!(" verify required ca-file {AUTHORITY}.pem verifyhost kubernetes"),
        CheckKind::Connect | CheckKind::Http(_) => String::new(),
    };
    let servers = frontend.servers.iter();
    Balanced {
        name: &frontend.name,
        port: frontend.port,
        mode: match frontend.mode {
            Mode::Tcp => "tcp",
            Mode::Http => "http",
        },
        max_connections: frontend.max_connections,
        idle_timeout: frontend.idle_timeout.to_string(),
        options: options.collect(),
        interval: frontend.check.interval.to_string(),
        fall: frontend.check.fall,
        rise: frontend.check.rise,
        verify,
        servers: servers
            .map(|server| format!("{} {}:{}", server.machine, server.address, server.port))
            .collect(),
    }
}

/// The lines that say what a check asks: a connection needs none, and any page is good that is no error.
fn check(kind: &CheckKind) -> Vec<String> {
    let ask =
        |path: &str, host: &str| format!("http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {host}");
    let lines = match kind {
        CheckKind::Connect => return Vec::new(),
        CheckKind::ApiReady => {
            vec![
                "http-check connect ssl".to_owned(),
                ask("/readyz", "kubernetes"),
                "http-check expect status 200".to_owned(),
            ]
        }
        CheckKind::Http(path) => vec![ask(path, "localhost")],
    };
    ["option httpchk".to_owned()].into_iter().chain(lines).collect()
}
