//! Add-ons: their kustomizations, built by kubectl over stand-ins for the manifests, which have only what patches touch.

mod demos;
mod room;
mod stages;

use std::process::Output;
use std::sync::LazyLock;

use bpc::Compiled;
use serde_json::{Value, json};

use crate::built::{artifact, changed_in, files};
use crate::support::tools::{On, tool};

/// The machine that applies add-ons.
const FIRST: &str = "kube-mast01";

/// The stand-in for the manifest of an add-on, if it has one.
fn stand_in(addon: &str) -> Option<&'static str> {
    Some(match addon {
        "calico" => include_str!("addons/calico.yaml"),
        "flannel" => include_str!("addons/flannel.yaml"),
        "ingress" => include_str!("addons/ingress.yaml"),
        "local-path" => include_str!("addons/local-path.yaml"),
        "metallb" => include_str!("addons/metallb.yaml"),
        _ => return None,
    })
}

/// kube-demo as it is.
static KUBE_DEMO: LazyLock<Compiled> = LazyLock::new(|| kube_demo(""));

/// kube-demo, with more keys of `kubernetes:`.
fn kube_demo(keys: &str) -> Compiled {
    changed_in("blueprints", "kube-demo", |text| format!("{text}  {keys}\n"))
}

/// The add-ons of a site.
fn addons(built: &Compiled) -> Vec<String> {
    let machine = built.site.machines.iter().find(|machine| machine.name == FIRST).unwrap();
    let folders = files(built, machine).into_iter().filter_map(|(path, _)| {
        let name = path.strip_prefix("/etc/bpc/addons/")?.strip_suffix("/kustomization.yaml")?;
        Some(name.to_owned())
    });
    folders.collect()
}

/// What `kubectl kustomize` says to the folder of an add-on, its manifest being this one.
fn kustomize(built: &Compiled, addon: &str, upstream: Option<&str>) -> Option<Output> {
    let kubectl = tool(On::Trixie, "kubectl")?;
    let machine = built.site.machines.iter().find(|machine| machine.name == FIRST).unwrap();
    let folder = format!("/etc/bpc/addons/{addon}/");
    let own = files(built, machine).into_iter();
    let own = own.filter_map(|(path, content)| Some((path.strip_prefix(&folder)?, content)));
    let upstream = upstream.map(|text| ("upstream.yaml", text.as_bytes()));
    let staged = kubectl.stage(&own.chain(upstream).collect::<Vec<_>>());
    Some(kubectl.command().arg("kustomize").arg(staged.path_for("")).output().unwrap())
}

/// The documents of a YAML stream.
fn documents(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).unwrap();
    serde_yaml::Deserializer::from_str(text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

/// The objects of an add-on.
fn objects(built: &Compiled, addon: &str) -> Option<Vec<Value>> {
    let output = kustomize(built, addon, stand_in(addon))?;
    assert!(output.status.success(), "{addon}: {}", String::from_utf8_lossy(&output.stderr));
    Some(documents(&output.stdout))
}

/// The object of a kind; it is the only one.
fn the<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let object = found.next().unwrap_or_else(|| panic!("no {kind} in {objects:#?}"));
    assert!(found.next().is_none(), "more than one {kind}");
    object
}

/// The first container of what runs pods.
fn container(object: &Value) -> &Value {
    object.pointer("/spec/template/spec/containers/0").unwrap()
}

/// Asserts that each is an object, and that every image in it has a tag.
fn assert_sound(objects: &[Value]) {
    for object in objects {
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            assert!(object.pointer(field).is_some_and(Value::is_string), "no {field} in {object:#}");
        }
        for image in images(object) {
            let tag = image.rsplit('/').next().unwrap().split_once(':').map(|(_, tag)| tag);
            assert!(tag.is_some_and(|tag| tag.contains(|c: char| c.is_ascii_digit())), "{image}");
        }
    }
}

/// All images in a value, those of texts that are YAML among them.
fn images(value: &Value) -> Vec<String> {
    match value {
        Value::Object(entries) => {
            let own = entries.get("image").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(entries.values().flat_map(images)).collect()
        }
        Value::Array(items) => items.iter().flat_map(images).collect(),
        Value::String(text) => {
            let inner: Option<Value> = serde_yaml::from_str(text).ok().filter(Value::is_object);
            inner.iter().flat_map(images).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[test]
fn objects_are_sound_and_say_who_made_them() {
    let names = addons(&KUBE_DEMO);
    assert_eq!(
        names,
        ["flannel", "metallb", "ingress", "metrics-server", "local-path", "metallb-pools"],
        "those that the blueprint asks for"
    );
    for addon in names {
        let Some(objects) = objects(&KUBE_DEMO, &addon) else { return };
        assert_sound(&objects);
        for object in objects {
            assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "bpc", "{object:#}");
        }
    }
}

#[test]
fn other_control_planes_apply_nothing() {
    let built = &*KUBE_DEMO;
    for machine in built.site.machines.iter().filter(|machine| machine.name != FIRST) {
        let paths: Vec<&str> = files(built, machine).into_iter().map(|(path, _)| path).collect();
        assert!(!paths.iter().any(|path| path.starts_with("/etc/bpc/addons/")), "{paths:?}");
    }
}

#[test]
fn flannel_has_the_network_of_pods_and_the_address_of_the_node() {
    let Some(objects) = objects(&kube_demo("pod_cidr: 172.24.0.0/16"), "flannel") else { return };
    let configuration = &the(&objects, "ConfigMap")["data"];
    let network: Value = serde_json::from_str(configuration["net-conf.json"].as_str().unwrap()).unwrap();
    assert_eq!(network, json!({"Network": "172.24.0.0/16", "Backend": {"Type": "vxlan"}}));
    assert!(configuration["cni-conf.json"].as_str().unwrap().contains("portmap"), "host ports need it");
    let container = container(the(&objects, "DaemonSet"));
    assert_eq!(container["args"], json!(["--ip-masq", "--kube-subnet-mgr", "--iface=$(NODE_IP)"]));
    assert_eq!(
        container["env"],
        json!([
            {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
            {"name": "NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        ])
    );
}

#[test]
fn calico_has_the_network_of_pods_and_the_address_of_the_node() {
    let built = kube_demo("pod_cidr: 172.24.0.0/16\n  cni: calico");
    let Some(objects) = objects(&built, "calico") else { return };
    assert_sound(&objects);
    let variables = container(the(&objects, "DaemonSet"))["env"].as_array().unwrap();
    let value = |name: &str| {
        let mut found = variables.iter().filter(|variable| variable["name"] == name);
        (found.next().unwrap()["value"].as_str().unwrap(), found.count())
    };
    assert_eq!(value("CALICO_IPV4POOL_CIDR"), ("172.24.0.0/16", 0));
    assert_eq!(value("IP_AUTODETECTION_METHOD"), ("kubernetes-internal-ip", 0));
    assert_eq!(value("CALICO_IPV4POOL_VXLAN"), ("Always", 0));
    assert_eq!(value("IP"), ("autodetect", 0));
}

#[test]
fn metallb_gives_a_pool_away_on_its_network_only() {
    let Some(objects) = objects(&KUBE_DEMO, "metallb-pools") else { return };
    let pool = the(&objects, "IPAddressPool");
    assert_eq!(pool["spec"]["addresses"], json!(["10.86.2.2-10.86.2.125"]));
    let advertisement = &the(&objects, "L2Advertisement")["spec"];
    assert_eq!(advertisement["ipAddressPools"], json!([pool["metadata"]["name"]]));
    assert_eq!(advertisement["interfaces"], json!(["node"]));
    let nodes = advertisement.pointer("/nodeSelectors/0/matchExpressions/0").unwrap();
    let names = json!(["kube-node01", "kube-node02", "kube-node03"]);
    assert_eq!(*nodes, json!({"key": "kubernetes.io/hostname", "operator": "In", "values": names}));
}

#[test]
fn the_ingress_has_the_ports_of_its_machines_and_no_others() {
    let built = changed_in("blueprints", "kube-demo", |text| {
        text.replace("to: [kube-node]", "to: [kube-node02], http_port: 30080")
    });
    let Some(objects) = objects(&built, "ingress") else { return };
    let daemon_set = the(&objects, "DaemonSet");
    let container = container(daemon_set);
    assert_eq!(container["image"], "docker.io/haproxytech/kubernetes-ingress:3.2.11");
    assert_eq!(
        container["ports"],
        json!([
            {"name": "http", "containerPort": 8080, "hostPort": 30080},
            {"name": "https", "containerPort": 8443, "hostPort": 443},
        ])
    );
    let arguments = [
        "--configmap=haproxy-controller/haproxy-kubernetes-ingress",
        "--ingress.class=haproxy",
        "--http-bind-port=8080",
        "--https-bind-port=8443",
    ];
    assert_eq!(container["args"], json!(arguments));
    let terms = "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let term = daemon_set.pointer(&format!("{terms}/nodeSelectorTerms/0/matchExpressions/0")).unwrap();
    assert_eq!(term["values"], json!(["kube-node02"]));
    let service = &the(&objects, "Service")["spec"];
    assert_eq!((&service["type"], &service["ports"].as_array().unwrap().len()), (&json!("ClusterIP"), &2));
    let class = the(&objects, "IngressClass");
    assert_eq!(class["metadata"]["name"], "haproxy");
    assert_eq!(class["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"], "true");
}

#[test]
fn local_volumes_are_below_var_and_the_default() {
    let Some(objects) = objects(&KUBE_DEMO, "local-path") else { return };
    let class = the(&objects, "StorageClass");
    assert_eq!(class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"], "true");
    assert_eq!(class["provisioner"], "rancher.io/local-path");
    let data = &the(&objects, "ConfigMap")["data"];
    let paths: Value = serde_json::from_str(data["config.json"].as_str().unwrap()).unwrap();
    assert_eq!(paths["nodePathMap"][0]["paths"], json!(["/var/lib/local-path"]));
    assert!(data["teardown"].is_string(), "{data:#}");
}

#[test]
fn metrics_server_believes_only_kubelets_of_the_cluster() {
    let Some(objects) = objects(&KUBE_DEMO, "metrics-server") else { return };
    let deployment = the(&objects, "Deployment");
    let arguments = container(deployment)["args"].as_array().unwrap();
    let authority = arguments
        .iter()
        .find_map(|argument| argument.as_str().unwrap().strip_prefix("--kubelet-certificate-authority="));
    let (folder, file) = authority.unwrap().rsplit_once('/').unwrap();
    let mounts = container(deployment)["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["mountPath"] == folder).unwrap();
    let volumes = deployment.pointer("/spec/template/spec/volumes").unwrap().as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
    assert_eq!((&volume["configMap"]["name"], file), (&json!("kube-root-ca.crt"), "ca.crt"));
    assert!(!arguments.contains(&json!("--kubelet-insecure-tls")), "{arguments:?}");
    assert!(arguments.contains(&json!("--kubelet-preferred-address-types=InternalIP")), "{arguments:?}");
    let service = &the(&objects, "APIService")["spec"]["service"];
    assert_eq!(*service, json!({"name": "metrics-server", "namespace": "kube-system"}));
}

#[test]
fn a_patch_without_its_target_is_refused() {
    let calico = kube_demo("cni: calico");
    let built = &*KUBE_DEMO;
    for (built, addon, name) in [
        (built, "flannel", "name: kube-flannel-cfg"),
        (built, "local-path", "name: local-path-config"),
        (&calico, "calico", "name: calico-node, namespace"),
    ] {
        let upstream = stand_in(addon).unwrap().replace(name, &name.replace("name: ", "name: other-"));
        let Some(output) = kustomize(built, addon, Some(&upstream)) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("no resource matches"), "{addon}: {said}");
    }
}

/// The script of a stage.
fn script(built: &Compiled, stage: &str) -> String {
    let path = format!("files/usr/local/lib/bpc/stages/{stage}");
    String::from_utf8(artifact(built, FIRST, &path).to_vec()).unwrap()
}
