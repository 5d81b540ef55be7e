//! Documents say what is so: the index has every page, links lead somewhere, and the picture of kube-demo has what is planned.

use std::fs;
use std::path::{Path, PathBuf};

use crate::built::{blueprints, changed_in};

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

/// What a page says that a build has written is what a build writes.
#[test]
fn pages_count_files_as_a_build_does() {
    let built = blueprints();
    let mut seen = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in text.lines().filter(|line| line.contains(" in out/")) {
            let Some(name) = line.split_once(": ").map(|(name, _)| name) else { continue };
            let Some(one) = built.iter().find(|one| one.site.name == name) else { continue };
            // The manifest and the digests are made of the others.
            let files = one.artifacts.files.len() + 2;
            let machines = one.site.machines.len();
            let start = format!("{name}: {machines} machines in out/{name}: ");
            let ends =
                [format!("{files} files written"), format!("nothing changed, {files} files as before")];
            let said = line.strip_prefix(&start).unwrap_or_else(|| panic!("{}: {line}", page.display()));
            assert!(ends.iter().any(|end| end == said), "{}: {line}, not {files}", page.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen}");
}
