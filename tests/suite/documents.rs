//! Documents say what is so: the index has every page, links lead somewhere, and the picture of kube-demo has what is planned.

use std::fs;
use std::path::{Path, PathBuf};

use crate::built::changed_in;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages for people: README and what is in `docs/`.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.chain(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name))).collect()
}

/// The targets of a page's links, but for those that lead to other sites.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn the_index_has_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "docs/README.md lacks {name}");
    }
}

#[test]
fn links_lead_to_pages_and_headings() {
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(target).unwrap()).iter().any(|it| it == anchor);
                assert!(there, "{}: {link} leads to no heading", page.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn the_picture_of_kube_demo_has_what_is_planned() {
    let picture = fs::read_to_string(root().join("docs/kube-demo.svg")).unwrap();
    let site = changed_in("blueprints", "kube-demo", |text| text).site;
    for machine in &site.machines {
        assert!(picture.contains(&format!(">{}<", machine.name)), "no {} in the picture", machine.name);
    }
    for network in site.networks.iter().filter(|network| network.name != "wan") {
        let (name, cidr) = (&network.name, network.cidr.to_string());
        let drawn = picture.lines().any(|line| line.contains(&cidr) && line.contains(name.as_str()));
        assert!(drawn, "no {name} with {cidr} in the picture");
    }
    assert!(picture.contains(&site.floating[0].address.to_string()));
    assert!(picture.contains("<title id=") && picture.contains("prefers-color-scheme: dark"));
}
