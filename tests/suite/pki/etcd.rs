//! A real etcd of three members with the certificates of kube-full, at the addresses that the plan gives them.

use std::sync::{Mutex, PoisonError};

use bpc::Compiled;
use jiff::Timestamp;

use super::*;
use crate::built::{artifact, changed_in};

/// Starts the members, waits until they are well, then asks them with the certificates of several clients; prints one
/// line for each. `$1` is the folder of the files, below it one folder a machine.
const SCRIPT: &str = r#"
export ETCDCTL_API=3
mount -t tmpfs tmpfs /run
folder=$1 endpoints='' cluster=''
for member in $MEMBERS; do
  name=${member%%=*} address=${member#*=}
  cluster=$cluster${cluster:+,}$name=https://$address:2380
  endpoints=$endpoints${endpoints:+,}https://$address:2379
done
start() {
  pids=''
  for member in $MEMBERS; do
    name=${member%%=*} address=${member#*=} pki=$folder/${member%%=*}
    rm -rf "/run/$name"
    etcd --name "$name" --data-dir "/run/$name" --log-level error \
      --listen-client-urls "https://$address:2379" --advertise-client-urls "https://$address:2379" \
      --listen-peer-urls "https://$address:2380" --initial-advertise-peer-urls "https://$address:2380" \
      --initial-cluster "$cluster" --initial-cluster-state new \
      --client-cert-auth --trusted-ca-file "$pki/ca.crt" --cert-file "$pki/server.crt" --key-file "$pki/server.key" \
      --peer-client-cert-auth --peer-trusted-ca-file "$pki/ca.crt" \
      --peer-cert-file "$pki/peer.crt" --peer-key-file "$pki/peer.key" >"/run/$name.log" 2>&1 &
    pids="$pids $!"
  done
}
ask() {
  of=$1 client=$2
  shift 2
  etcdctl --command-timeout=3s --endpoints "$endpoints" --cacert "$of/etcd-node01/ca.crt" \
    --cert "$of/$client.crt" --key "$of/$client.key" "$@"
}
# A member that has only just started is not yet among those of the cluster that are asked.
well() {
  tries=0
  until ask "$folder" etcd-node01/healthcheck-client endpoint health --cluster >/run/health 2>&1 &&
    [ "$(grep -c 'is healthy' /run/health)" = 3 ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || return 1
    sleep 0.5
  done
}
# On a busy machine a member of etcd 3.4 sometimes never hears from the leader when all start in one moment.
attempt=1
start
until well; do
  [ "$attempt" -lt 4 ] || { cat /run/health /run/*.log; exit 1; }
  attempt=$((attempt + 1))
  # shellcheck disable=SC2086  # a list of numbers
  kill $pids
  wait
  start
done
echo "healthy members: $(grep -c 'is healthy' /run/health)"
ask "$1" kube-mast01/apiserver-etcd-client put state kept >/dev/null && echo "apiserver-etcd-client writes"
ask "$1" kube-mast02/apiserver-etcd-client get --print-value-only state
for client in kube-mast01/apiserver-kubelet-client kube-mast01/front-proxy-client; do
  ask "$1" "$client" get state >/run/said 2>&1 || echo "$client is refused"
done
etcdctl --command-timeout=3s --endpoints "$endpoints" --cacert "$1/etcd-node01/ca.crt" get state >/run/said 2>&1 ||
  echo "nobody is refused"
etcdctl --command-timeout=3s --endpoints "$endpoints" --cacert "$1/kube-mast01/ca.crt" \
  --cert "$1/etcd-node01/healthcheck-client.crt" --key "$1/etcd-node01/healthcheck-client.key" \
  get state >/run/said 2>&1 || echo "members are not taken for something else"
"#;

/// kube-full with certificates that are good today: etcd cannot be told the time.
fn cluster_of_today(line: &str) -> Compiled {
    let today = Timestamp::now().to_string().split_once('T').unwrap().0.to_owned();
    changed_in("blueprints", "kube-full", |text| {
        let text = text.replace("epoch: 2026-01-01", &format!("epoch: {today}"));
        format!("{text}{line}\n")
    })
}

/// One cluster at a time: elections are lost on a machine that is too busy.
static ALONE: Mutex<()> = Mutex::new(());

fn assert_runs(on: On, line: &str) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let programs = [(on, "sh"), (on, "etcd"), (on, "etcdctl"), (On::Host, "ip")];
    let Some(shell) = need(&programs) else { return };
    let built = cluster_of_today(line);
    let files = shell.stage(&[]);
    let put = |machine: &str, folder: &str, name: &str| {
        std::fs::create_dir_all(files.host_path().join(machine)).unwrap();
        let content = artifact(&built, machine, &format!("files/etc/{folder}/{name}"));
        std::fs::write(files.host_path().join(machine).join(name), content).unwrap();
    };
    let mut members = Vec::new();
    for machine in built.site.machines.iter().filter(|machine| machine.name.starts_with("etcd-node")) {
        members.push((machine.name.clone(), machine.address().to_string()));
        put(&machine.name, "etcd/pki", "ca.crt");
        for name in ["server", "peer", "healthcheck-client"] {
            for end in ["crt", "key"] {
                put(&machine.name, "etcd/pki", &format!("{name}.{end}"));
            }
        }
    }
    for machine in ["kube-mast01", "kube-mast02"] {
        put(machine, "kubernetes/pki", "ca.crt");
        for name in ["apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client"] {
            for end in ["crt", "key"] {
                put(machine, "kubernetes/pki", &format!("{name}.{end}"));
            }
        }
    }
    let interfaces: Vec<String> = members.iter().map(|(_, address)| format!("mast={address}/24")).collect();
    let interfaces: Vec<&str> = interfaces.iter().map(String::as_str).collect();
    let members: Vec<String> = members.iter().map(|(name, address)| format!("{name}={address}")).collect();
    let mut command = shell.command_in_network(&interfaces);
    command.env("MEMBERS", members.join(" ")).args(["-uc", SCRIPT, "sh"]).arg(files.path_for(""));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let expected = "healthy members: 3\napiserver-etcd-client writes\nkept\n\
        kube-mast01/apiserver-kubelet-client is refused\nkube-mast01/front-proxy-client is refused\n\
        nobody is refused\nmembers are not taken for something else\n";
    assert_eq!(said, expected, "{on:?} {line}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn three_members_trust_each_other_and_the_api_and_nobody_else() {
    assert_runs(On::Bookworm, "");
    assert_runs(On::Trixie, "");
}

/// The client of a kubelet has a certificate below the same root: that must not be enough.
#[test]
fn a_common_root_opens_no_door() {
    assert_runs(On::Bookworm, "pki: {root: true}");
    assert_runs(On::Trixie, "pki: {root: true, algorithm: ecdsa-p384}");
}
