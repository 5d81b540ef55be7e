//! HAProxy's configuration: judged by HAProxy and by the units that start it. At work it is in `gateway/balancing.rs`.

use bpc::Compiled;
use bpc::site::{Machine, Role};

use crate::built::{artifact, blueprint, blueprints, changed, files};
use crate::support::tools::{On, Staged, Tool, need, tool};

const STAGE: &str = "files/usr/local/lib/bpc/stages/40-haproxy";

/// All that a load balancer can be told, besides what the good blueprints tell theirs.
fn all() -> Vec<Compiled> {
    let mut all = blueprints();
    for more in [
        "kubernetes: {version: \"1.35\", anonymous_auth: false}",
        "kubernetes: {version: \"1.35\"}\npki: {root: true, algorithm: ecdsa-p384}",
    ] {
        all.push(changed("routed", |text| text.replace("kubernetes: {version: \"1.35\"}", more)));
    }
    for extreme in [
        "api: {max_connections: 100000, idle_timeout: 576h, check: {interval: 1h, fall: 100, rise: 100}}",
        "api: {max_connections: 1, idle_timeout: 1s, check: {interval: 100ms, fall: 1, rise: 1}}",
    ] {
        let with = |text: String| text.replace("load_balancer:\n", &format!("load_balancer:\n  {extreme}\n"));
        all.push(changed("routed", with));
    }
    all
}

fn balancers(built: &Compiled) -> impl Iterator<Item = &Machine> {
    built.site.machines.iter().filter(|machine| machine.role == Role::LoadBalancer)
}

/// The files of a machine for HAProxy, where a chroot sees them; the paths in them lead there.
fn staged(haproxy: &Tool, built: &Compiled, machine: &Machine) -> Staged {
    let files = files(built, machine).into_iter();
    let files: Vec<(&str, &[u8])> =
        files.filter_map(|(path, content)| Some((path.strip_prefix("/etc/haproxy/")?, content))).collect();
    let staged = haproxy.stage(&files);
    let config = staged.host_path().join("haproxy.cfg");
    let text = std::fs::read_to_string(&config).unwrap();
    let folder = format!("{}/", staged.path_for("").display()).replace("//", "/");
    std::fs::write(&config, text.replace("/etc/haproxy/", &folder)).unwrap();
    staged
}

#[test]
fn haproxy_has_nothing_to_say_about_any_configuration() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(haproxy) = tool(on, "haproxy") else { continue };
        let mut checked = 0;
        for built in all() {
            for machine in balancers(&built) {
                let staged = staged(&haproxy, &built, machine);
                let mut command = haproxy.command();
                command.args(["-c", "-dW"]);
                for file in ["haproxy.cfg", "users.cfg"] {
                    command.arg("-f").arg(staged.path_for(file));
                }
                let output = command.output().unwrap();
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                let nothing = said.is_empty() || said == "Configuration file is valid\n";
                assert!(
                    output.status.success() && nothing,
                    "{on:?} {} {}: {said}",
                    built.site.name,
                    machine.name
                );
                checked += 1;
            }
        }
        assert!(checked >= 10, "{checked}");
    }
}

/// The lines of a section, without what stands before them.
fn section(built: &Compiled, machine: &str, title: &str) -> Vec<String> {
    let config =
        String::from_utf8_lossy(artifact(built, machine, "files/etc/haproxy/haproxy.cfg")).into_owned();
    let lines = config.lines().skip_while(|line| *line != title).skip(1);
    lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn limits_and_checks_are_those_of_the_blueprint() {
    let built = blueprint("everything");
    let has = |title: &str, line: &str| {
        let lines = section(&built, "proxy01", title);
        assert!(lines.iter().any(|found| found.starts_with(line)), "{title} has no {line}: {lines:?}");
    };
    has("frontend kube-api", "maxconn 500");
    has("frontend kube-api", "timeout client 48h");
    has("backend kube-api", "timeout server 48h");
    has("backend kube-api", "default-server check inter 500ms fall 5 rise 3 ");
    has("frontend ingress-http", "maxconn 8");
    has("backend ingress-http", "http-check send meth GET uri /healthz ");
    has("frontend ingress-https", "maxconn 128");
    has("backend ingress-https", "server node01 10.20.0.4:30443");
    has("frontend store", "maxconn 2000");
    has("backend store", "default-server check inter 2s fall 3 rise 2 ");
    has("backend wiki", "timeout server 1m");
    has("frontend stats", "bind 10.30.0.5:9000");
    // The sum, 500 + 8 + 128 + 2 * 2000, and 10 each for what is not balanced.
    has("global", "maxconn 4656");
}

#[test]
fn an_api_that_answers_no_strangers_is_only_connected_to() {
    let silent = changed("routed", |text| text.replace("\"1.35\"}", "\"1.35\", anonymous_auth: false}"));
    assert_eq!(
        section(&silent, "hapx01", "backend kube-api"),
        [
            "mode tcp",
            "timeout server 24h",
            "timeout tunnel 24h",
            "default-server check inter 2s fall 3 rise 2 on-marked-down shutdown-sessions",
            "server mast01 10.4.0.2:6443",
        ]
    );
}

#[test]
fn the_unit_reads_both_files_when_it_starts_and_when_it_reloads() {
    let built = blueprint("routed");
    let options = String::from_utf8_lossy(artifact(&built, "hapx01", "files/etc/default/haproxy"));
    assert!(options.ends_with("EXTRAOPTS=\"-S /run/haproxy-master.sock -f /etc/haproxy/users.cfg\"\n"));
    for on in [On::Bookworm, On::Trixie] {
        let Some(cat) = tool(on, "cat") else { continue };
        let output = cat.command().arg("/lib/systemd/system/haproxy.service").output().unwrap();
        let unit = String::from_utf8(output.stdout).unwrap();
        assert!(unit.contains("\nEnvironmentFile=-/etc/default/haproxy\n"), "{unit}");
        // What the unit itself puts there is still there.
        assert!(unit.contains("\"CONFIG=/etc/haproxy/haproxy.cfg\""), "{unit}");
        assert!(unit.contains("\"EXTRAOPTS=-S /run/haproxy-master.sock\""), "{unit}");
        let calls: Vec<&str> = unit.lines().filter(|line| line.contains("=/usr/sbin/haproxy ")).collect();
        assert_eq!(calls.len(), 2, "{unit}");
        assert!(calls.iter().all(|call| call.contains(" -f $CONFIG ") && call.ends_with(" $EXTRAOPTS")));
    }
}

#[test]
fn nobody_gets_in_with_a_password_that_is_not_of_the_vault() {
    for built in all() {
        for file in &built.artifacts.files {
            let text = String::from_utf8_lossy(file.content.bytes());
            assert!(!text.contains("admin:admin"), "{}", file.path);
        }
        for machine in balancers(&built) {
            let config =
                String::from_utf8_lossy(artifact(&built, &machine.name, "files/etc/haproxy/haproxy.cfg"));
            for never in ["stats auth", "stats admin", "password", "bind *", "bind :", "0.0.0.0", " name"] {
                assert!(!config.contains(never), "{never}: {config}");
            }
        }
    }
}

#[test]
fn a_new_password_is_put_into_force() {
    let stage = |built: &Compiled| artifact(built, "hapx01", STAGE).to_vec();
    let rotated = changed("routed", |text| format!("{text}rotate: {{stats-password: 1}}\n"));
    assert_ne!(stage(&blueprint("routed")), stage(&rotated));
}

/// Starts HAProxy with the files in FOLDER, asks three times at ADDRESS whether it is alive and once at STATS for its page, and
/// prints what it has logged: `FOLDER ALIVE STATS`.
const LOGGED: &str = r#"
mount -t tmpfs tmpfs /run
mkdir -p /run/haproxy /var/lib/haproxy
python3 -c 'import socket
log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
log.bind(("127.0.0.1", 514))
open("/run/ready", "w").close()
with open("/run/logged", "wb", 0) as kept:
    while True:
        kept.write(log.recv(4096) + b"\n")' &
until [ -e /run/ready ]; do sleep 0.1; done
haproxy -D -p /run/haproxy.pid -f "$1/haproxy.cfg" -f "$1/users.cfg"
for time in 1 2 3; do curl --silent --fail --output /dev/null "$2"; done
curl --silent --output /dev/null "$3"
tries=0
until grep -q stats /run/logged; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || break
  sleep 0.1
done
cat /run/logged
"#;

#[test]
fn who_asks_whether_it_is_alive_is_not_logged() {
    let built = blueprint("routed");
    let machine = balancers(&built).next().unwrap();
    let own =
        machine.attachments().flat_map(|on| on.addresses.iter().map(|it| (&on.interface, it.to_string())));
    let floating = built.site.floating_on(machine.role).unwrap();
    let mut interfaces: Vec<String> = own.map(|(name, address)| format!("{name}={address}")).collect();
    interfaces.push(format!("{}={}/32", floating.network, floating.address));
    let interfaces: Vec<&str> = interfaces.iter().map(String::as_str).collect();
    for on in [On::Bookworm, On::Trixie] {
        let programs = ["sh", "haproxy", "python3", "curl"].map(|program| (on, program));
        let (Some(shell), Some(haproxy)) = (need(&programs), tool(on, "haproxy")) else { continue };
        let staged = staged(&haproxy, &built, machine);
        let config = staged.host_path().join("haproxy.cfg");
        let text = std::fs::read_to_string(&config).unwrap();
        assert!(text.contains("log /dev/log local0"), "{text}");
        std::fs::write(&config, text.replace("log /dev/log local0", "log 127.0.0.1:514 local0")).unwrap();
        let address = |frontend: &str| {
            let (_, rest) = text.split_once(&format!("\nfrontend {frontend}\n")).unwrap();
            rest.lines().find_map(|line| line.strip_prefix("  bind ")).unwrap().to_owned()
        };
        let alive = format!("http://{}/alive", address("alive"));
        let stats = format!("http://{}/", address("stats"));
        let mut command = shell.command_in_network(&interfaces);
        command.args(["-euc", LOGGED, "sh"]).arg(staged.path_for("")).args([alive, stats]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{on:?}: {said}");
        assert!(said.contains("stats") && !said.contains("alive"), "{on:?}: {said}");
    }
}
