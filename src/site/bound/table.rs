//! The settings that machines are bound to.

use super::{Bound, Effect, Rule};

const ALL_ANEW: &str = "another cluster: 'day-2/etcd-snapshot.sh' and copies of what volumes hold, then up.sh --recreate with all of its nodes";
const ONE_ANEW: &str = "'day-2/remove-node.sh NAME' where it is a node, then 'up.sh --recreate NAME'";
const CERTIFICATES: &str =
    "nodes, pods and kubeconfigs trust what was there before: no new certificate is accepted by what runs";

const fn refused(name: &'static str, lost: &'static str, way: &'static str) -> Bound {
    Bound { name, rule: Rule::Same, effect: Effect::Refused, lost, way }
}

const fn kept(name: &'static str, lost: &'static str, way: &'static str) -> Bound {
    Bound { effect: Effect::Kept, ..refused(name, lost, way) }
}

/// The name of the vault among them: its value is a fingerprint.
pub const VAULT: &str = "vault";

/// All such settings.
pub const BOUND: [Bound; 26] = [
    Bound {
        effect: Effect::Strange,
        ..refused(
            VAULT,
            "every key, certificate and password is another one, and so is the identity of every machine",
            "put back the vault that has this fingerprint ('bpc vault show FILE'); or end these machines by 'virtualbox/destroy.sh' of the tree as it is, before 'bpc build --new-vault'",
        )
    },
    refused("role", "the machine keeps what its old role has put on it", ONE_ANEW),
    Bound {
        rule: Rule::Every,
        ..refused(
            "disks",
            "the next start waits for a disk that is gone and ends in the emergency mode; what is on it is lost",
            "take it out of /etc/fstab and out of its volume group on the machine first, or 'up.sh --recreate NAME'",
        )
    },
    refused(
        "address",
        "the API and etcd advertise the old address, and certificates and other members name it",
        ONE_ANEW,
    ),
    refused("domain", "certificates and kubeconfigs of what runs have the old names", ALL_ANEW),
    refused(
        "kubernetes.endpoint",
        "kubelets and kubeconfigs ask for the API at the old address, where nobody is any more: the cluster stops",
        ALL_ANEW,
    ),
    refused(
        "kubernetes.service_cidr",
        "services keep their addresses, and the API gets one that its certificate does not have",
        ALL_ANEW,
    ),
    refused("kubernetes.pod_cidr", "nodes keep their ranges, and the network plugin routes others", ALL_ANEW),
    refused(
        "kubernetes.cluster_domain",
        "pods keep the old domain, and DNS answers for the new one",
        ALL_ANEW,
    ),
    refused(
        "kubernetes.cni",
        "two network plugins on one node: pods of the old one have no network",
        "move to it by its own manual, node by node, and then accept this; or another cluster by up.sh --recreate with all nodes",
    ),
    refused(
        "kubernetes.etcd",
        "the state of the cluster is where it was, and the new place is empty",
        ALL_ANEW,
    ),
    Bound {
        rule: Rule::Majority,
        ..refused(
            "kubernetes.etcd_members",
            "etcd loses its majority: the API takes no more writes, and no member can be added",
            "one member at a time: 'day-2/remove-node.sh NAME', and build again once it has gone",
        )
    },
    refused("kubernetes.runtime", "pods of the old runtime run on, unseen by the kubelet", ONE_ANEW),
    Bound {
        rule: Rule::Version,
        ..refused(
            "kubernetes.version",
            "nodes that join are of a version that the others do not go with; Kubernetes has no way back",
            "one minor at a time by 'day-2/upgrade.sh'; accept this if that has brought the cluster there already",
        )
    },
    refused("pki.algorithm", CERTIFICATES, ALL_ANEW),
    refused("pki.root", CERTIFICATES, ALL_ANEW),
    refused(
        "pki.authority_keys",
        "the controller manager of what runs asks for the key that the new seed does not bring, or kubelets for theirs",
        ALL_ANEW,
    ),
    refused("rotate", CERTIFICATES, ALL_ANEW),
    Bound {
        effect: Effect::Together,
        ..refused(
            "load_balancer.failover",
            "machines that hold the address are switched off and on together, and nobody holds it meanwhile",
            "nothing else to do",
        )
    },
    kept(
        "labels",
        "a node keeps the labels that it joined with",
        "'day-2/kubectl.sh label node NAME KEY=VALUE'",
    ),
    kept(
        "taints",
        "a node keeps the taints that it joined with",
        "'day-2/kubectl.sh taint node NAME KEY=VALUE:EFFECT'",
    ),
    kept(
        "kubernetes.kubeadm",
        "kubeadm has written what it was told, and looks at it again for new nodes only",
        "the same by 'kubectl edit' of kubeadm-config and kubelet-config in kube-system, then 'kubeadm upgrade node' on each node",
    ),
    kept(
        "kubernetes.etcd_quota",
        "kubeadm has written etcd's manifest, and looks at it again for new members only",
        "edit /etc/kubernetes/manifests/etcd.yaml on each control plane",
    ),
    Bound {
        rule: Rule::Every,
        ..kept(
            "kubernetes.addons",
            "what was applied to the cluster stays there",
            "'kubectl delete -f /var/lib/bpc/addons/NAME.yaml' as root on the first control plane",
        )
    },
    Bound {
        rule: Rule::Every,
        ..kept(
            "kubernetes.manifests",
            "what was applied to the cluster stays there",
            "'kubectl delete -f /etc/bpc/manifests/NAME.yaml' as root on the first control plane; it takes volumes with it",
        )
    },
    Bound {
        rule: Rule::Every,
        ..kept(
            "packages",
            "packages stay installed, and their services run",
            "'apt-get purge NAME' on the machine",
        )
    },
];
