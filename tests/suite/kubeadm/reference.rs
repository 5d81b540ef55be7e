//! The reference of what kubeadm reads, as a checker: it says what kubeadm refuses, which no package of Debian brings.

use std::collections::BTreeMap;

use serde_yaml::Value;

/// The fields of every type.
pub(super) struct Reference(BTreeMap<String, BTreeMap<String, String>>);

impl Reference {
    pub(super) fn new() -> Self {
        Self(serde_yaml::from_str(include_str!("reference.yaml")).unwrap())
    }

    /// What is wrong with a document of a kind: nothing in a good one.
    pub(super) fn faults(&self, document: &Value) -> Vec<String> {
        let kind = document["kind"].as_str().unwrap_or("no kind");
        let mut faults = Vec::new();
        self.check(document, kind, kind, &mut faults);
        faults
    }

    fn check(&self, value: &Value, wanted: &str, path: &str, faults: &mut Vec<String>) {
        if let Some(inner) = wanted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            match value.as_sequence() {
                Some(items) => items.iter().for_each(|item| self.check(item, inner, path, faults)),
                None => faults.push(format!("{path} is no list")),
            }
            return;
        }
        let inner = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let fields = self.0.get(wanted);
        if inner.is_none() && fields.is_none() {
            if !is_scalar(value, wanted) {
                faults.push(format!("{path} is no {wanted}"));
            }
            return;
        }
        let Some(mapping) = value.as_mapping() else { return faults.push(format!("{path} is no mapping")) };
        for (key, value) in mapping {
            let key = key.as_str().unwrap_or("?");
            let path = format!("{path}.{key}");
            match inner.or_else(|| fields?.get(key).map(String::as_str)) {
                Some(wanted) => self.check(value, wanted, &path, faults),
                None => faults.push(format!("{path} is unknown")),
            }
        }
    }
}

fn is_scalar(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_bool(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "duration" => value.as_str().is_some_and(is_duration),
        _ => false,
    }
}

/// Numbers with units, as `time.ParseDuration` of Go reads them.
fn is_duration(text: &str) -> bool {
    let parts = text.split_inclusive(|c: char| c.is_ascii_alphabetic());
    !text.is_empty()
        && parts.into_iter().all(|part| {
            let number = part.strip_suffix(['h', 'm', 's']).unwrap_or_default();
            !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit())
        })
}

#[test]
fn it_finds_what_kubeadm_would_not_take() {
    let reference = Reference::new();
    for (fields, fault) in [
        ("apiServer: {extraArgs: {v: '4'}}", "ClusterConfiguration.apiServer.extraArgs is no list"),
        (
            "apiServer: {extraArgs: [{name: v, value: 4}]}",
            "ClusterConfiguration.apiServer.extraArgs.value is no string",
        ),
        ("apiServer: {extraargs: []}", "ClusterConfiguration.apiServer.extraargs is unknown"),
        (
            "apiServer: {timeoutForControlPlane: 4m0s}",
            "ClusterConfiguration.apiServer.timeoutForControlPlane is unknown",
        ),
        ("certificateValidityPeriod: 365d", "ClusterConfiguration.certificateValidityPeriod is no duration"),
        (
            "featureGates: {NodeLocalCRISocket: 'true'}",
            "ClusterConfiguration.featureGates.NodeLocalCRISocket is no boolean",
        ),
        ("networking: 10.244.0.0/16", "ClusterConfiguration.networking is no mapping"),
        ("certSANs: [api]", "ClusterConfiguration.certSANs is unknown"),
        (
            "etcd: {external: {endpoints: https://10.0.0.1:2379}}",
            "ClusterConfiguration.etcd.external.endpoints is no list",
        ),
    ] {
        let document = serde_yaml::from_str(&format!("kind: ClusterConfiguration\n{fields}")).unwrap();
        assert_eq!(reference.faults(&document), [fault]);
    }
    let good = "{kind: ClusterConfiguration, certificateValidityPeriod: 8760h0m0s, etcd: {local: {dataDir: /var/lib/etcd}}}";
    assert_eq!(reference.faults(&serde_yaml::from_str(good).unwrap()), Vec::<String>::new());
    assert_eq!(reference.faults(&serde_yaml::from_str("{kind: Secret}").unwrap()), ["Secret is no Secret"]);
}
