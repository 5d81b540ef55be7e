//! Descriptors as hypervisors read them: what the standard and VirtualBox ask of them, for every blueprint. Whether
//! VirtualBox makes the planned machines of them is proved by `tests/lab/virtualbox-import.sh`.

use std::collections::BTreeSet;

use bpc::format::xml::Element;

use crate::built::{artifact, blueprints, documents};
use crate::support::tools::{On, tool};

/// The envelope of every machine of every blueprint, with the machine's name.
fn envelopes() -> Vec<(String, Element)> {
    let built = blueprints();
    let documents = documents(&built, "machine.ovf");
    let read = |text: &[u8]| Element::from_document(std::str::from_utf8(text).unwrap()).unwrap();
    documents.into_iter().map(|(name, text)| (name, read(text))).collect()
}

/// The properties of the items of a machine, in their order.
fn items(envelope: &Element) -> Vec<Vec<(&str, &str)>> {
    let hardware = envelope.find(&["VirtualSystem", "VirtualHardwareSection"]).unwrap();
    let items = hardware.children.iter().filter(|it| it.name == "Item");
    items.map(|item| item.children.iter().map(named).collect()).collect()
}

fn named(property: &Element) -> (&str, &str) {
    (property.name.strip_prefix("rasd:").unwrap(), &property.text)
}

fn property<'a>(item: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    item.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// VirtualBox bridges an adapter of any other name to the host's first interface, and has NAT on the first adapter only.
#[test]
fn no_adapter_is_bridged_by_a_name() {
    let mut seen = BTreeSet::new();
    for (machine, envelope) in envelopes() {
        let networks = envelope.find(&["NetworkSection"]).unwrap();
        let defined: BTreeSet<&str> = networks.all("Network").map(|it| it.get("ovf:name").unwrap()).collect();
        let all = items(&envelope);
        let adapters = all.iter().filter(|item| property(item, "ResourceType") == Some("10"));
        let used: Vec<&str> = adapters.map(|item| property(item, "Connection").unwrap()).collect();
        assert_eq!(defined, used.iter().copied().collect(), "{machine}");
        assert!(used.iter().skip(1).all(|name| *name != "NAT"), "{machine}: {used:?}");
        assert!(used.len() <= 8, "{machine}: VirtualBox drops all behind the eighth");
        seen.extend(used.into_iter().map(str::to_owned));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["HostOnly", "Internal", "NAT", "Null"]);
}

/// DSP8023 has them as a sequence, in the order of their names.
#[test]
fn properties_of_items_are_in_order() {
    for (machine, envelope) in envelopes() {
        for item in items(&envelope) {
            let names: Vec<&str> = item.iter().map(|(name, _)| *name).collect();
            assert!(names.is_sorted(), "{machine}: {names:?}");
            for needed in ["ElementName", "InstanceID", "ResourceType"] {
                assert!(names.contains(&needed), "{machine}: {names:?}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for (machine, envelope) in envelopes() {
        let all = items(&envelope);
        let instances: Vec<&str> = all.iter().map(|item| property(item, "InstanceID").unwrap()).collect();
        let distinct: BTreeSet<_> = instances.iter().collect();
        assert_eq!(distinct.len(), instances.len(), "{machine}");
        assert!(all.iter().filter_map(|item| property(item, "Parent")).all(|it| instances.contains(&it)));
        let section = |name: &'static str| &envelope.find(&[name]).unwrap().children;
        let ids = |name, key| -> Vec<&str> { section(name).iter().filter_map(|it| it.get(key)).collect() };
        assert_eq!(ids("References", "ovf:id"), ids("DiskSection", "ovf:fileRef"), "{machine}");
        let disks: Vec<String> =
            ids("DiskSection", "ovf:diskId").iter().map(|id| format!("ovf:/disk/{id}")).collect();
        let attached: Vec<&str> = all.iter().filter_map(|item| property(item, "HostResource")).collect();
        assert_eq!(attached, disks, "{machine}");
    }
}

#[test]
fn expat_reads_it_as_we_do() {
    let Some(python) = tool(On::Host, "python3") else { return };
    let program = "\
import sys, xml.etree.ElementTree as tree
for path in sys.argv[1:]:
    root = tree.parse(path).getroot()
    assert root.tag == '{http://schemas.dmtf.org/ovf/envelope/1}Envelope', root.tag
    print(path.rsplit('/', 1)[1], sum(1 for _ in root.iter()), [it.text for it in root.iter() if it.tag.endswith('}Connection')])
";
    let built = blueprints();
    let documents = documents(&built, "machine.ovf");
    let files: Vec<(&str, &[u8])> = documents.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let staged = python.stage(&files);
    let paths = files.iter().map(|(name, _)| staged.path_for(name));
    let output = python.command().args(["-c", program]).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counted = envelopes().into_iter().map(|(name, envelope)| {
        let all = items(&envelope);
        let names: Vec<String> =
            all.iter().filter_map(|item| property(item, "Connection")).map(|it| format!("'{it}'")).collect();
        format!("{name} {} [{}]\n", count(&envelope), names.join(", "))
    });
    assert_eq!(String::from_utf8(output.stdout).unwrap(), counted.collect::<String>());
}

fn count(element: &Element) -> usize {
    1 + element.children.iter().map(count).sum::<usize>()
}

#[test]
fn no_identity_is_used_twice() {
    let mut seen = BTreeSet::new();
    for one in blueprints() {
        for machine in &one.site.machines {
            let text = String::from_utf8(artifact(&one, &machine.name, "machine.ovf").to_vec()).unwrap();
            let envelope = Element::from_document(&text).unwrap();
            let system = envelope.find(&["VirtualSystem", "vbox:Machine"]).unwrap().get("uuid").unwrap();
            let disks =
                envelope.find(&["DiskSection"]).unwrap().all("Disk").map(|it| it.get("vbox:uuid").unwrap());
            for uuid in disks.chain([system.trim_matches(['{', '}'])]) {
                assert!(seen.insert(uuid.to_owned()), "{}: {uuid}", machine.name);
            }
        }
    }
}
