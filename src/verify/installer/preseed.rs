//! The answers for Debian's installer: what their recipe says is what is planned, and fits on the disk.

use crate::artifact::Artifacts;
use crate::bug::Bug;
use crate::format::recipe::{Partition, Recipe};
use crate::format::{cpio, preseed};
use crate::site::{Lvm, Site};
use crate::verify::artifact_at;

/// A volume as the recipe has it: name, group, place, file system, options, size in megabytes.
type Facts = (String, String, String, String, Vec<String>, u64);

/// The recipe is the one that is planned, and the archive holds it.
pub(super) fn verify(site: &Site, lvm: &Lvm, artifacts: &Artifacts) -> Result<(), Bug> {
    let bug = |error: &dyn std::fmt::Display| Bug(format!("installer: {error}"));
    let bytes = artifact_at(artifacts, "installer/preseed.cfg")?.content.bytes();
    let overlay = artifact_at(artifacts, "installer/initrd-overlay.cpio.gz")?.content.bytes();
    let entries = cpio::read(overlay).map_err(|error| bug(&error))?;
    let same = matches!(entries.as_slice(), [entry] if entry.name == "preseed.cfg" && entry.content == bytes);
    if !same {
        return Err(bug(&"the overlay does not hold the answers"));
    }
    let answers = preseed::read(&String::from_utf8_lossy(bytes)).map_err(|error| bug(&error))?;
    let answer = |question: &str| {
        let found = answers.iter().find(|answer| answer.question == question);
        found.and_then(|answer| answer.value.first()).map_or("", String::as_str)
    };
    let recipe = Recipe::read(answer("partman-auto/expert_recipe")).map_err(|error| bug(&error))?;
    let total: u64 = planned(lvm).iter().map(|(.., size)| size).sum();
    let agrees = found(&recipe) == planned(lvm)
        && outside(&recipe) == planned_outside(lvm)
        && answer("partman-auto-lvm/guided_size") == format!("{total}MB");
    let least: u64 = recipe.partitions.iter().map(|partition| partition.least).sum();
    if !agrees {
        return Err(bug(&"the recipe is not as planned"));
    }
    // The installer takes the disk's size without what is over a megabyte.
    if least > site.image.disk.bytes() / 1_000_000 {
        return Err(bug(&format!("{least} MB are more than the disk has")));
    }
    Ok(())
}

fn text(partition: &Partition, name: &str) -> String {
    partition.get(name).unwrap_or_default().to_owned()
}

/// The volumes of the recipe, none of which grows.
fn found(recipe: &Recipe) -> Vec<Facts> {
    let volumes = recipe.partitions.iter().filter(|it| it.get("$lvmok").is_some());
    let facts = |it: &Partition| {
        let options = it.properties.iter().filter(|property| property.name.starts_with("options/"));
        let fixed = it.wanted == it.least && it.most == Some(it.least) && it.get("format").is_some();
        let place = if text(it, "method") == "swap" { "swap".to_owned() } else { text(it, "mountpoint") };
        let made = it.get("filesystem").unwrap_or("linux-swap") == it.file_system;
        (
            text(it, "lv_name"),
            text(it, "in_vg"),
            place,
            it.file_system.clone(),
            options.map(|option| option.value.clone()).collect(),
            if fixed && made { it.least } else { 0 },
        )
    };
    volumes.map(facts).collect()
}

fn planned(lvm: &Lvm) -> Vec<Facts> {
    let volume = |name: &str, place: &str, file_system: &str, options: Vec<String>, size: u64| {
        let [name, place, file_system] = [name, place, file_system].map(str::to_owned);
        (name, lvm.group.clone(), place, file_system, options, size.div_ceil(1_000_000))
    };
    let volumes = lvm.volumes.iter().map(|it| {
        let options = it.options.iter().map(|option| option.as_str().to_owned()).collect();
        volume(&it.name, &it.mount, it.filesystem.as_str(), options, it.size.bytes())
    });
    volumes
        .chain(lvm.swap.map(|size| volume("swap", "swap", "linux-swap", Vec::new(), size.bytes())))
        .collect()
}

/// What is outside of the group, and the group's partition: what it is for, its size, and whether it takes the rest.
fn outside(recipe: &Recipe) -> Vec<(String, u64, bool)> {
    let partitions = recipe.partitions.iter().filter(|it| it.get("$lvmok").is_none());
    let facts = |it: &Partition| match text(it, "method").as_str() {
        "format" => (text(it, "mountpoint"), it.least, it.most.is_none()),
        "lvm" => (text(it, "vg_name"), 0, it.most.is_none()),
        method => (method.to_owned(), it.least, it.most.is_none()),
    };
    partitions.map(facts).collect()
}

fn planned_outside(lvm: &Lvm) -> Vec<(String, u64, bool)> {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let mut facts: Vec<_> =
        lvm.efi.map(|size| ("efi".to_owned(), megabytes(size.bytes()), false)).into_iter().collect();
    facts.push(("/boot".to_owned(), megabytes(lvm.boot.bytes()), false));
    facts.push((lvm.group.clone(), 0, true));
    facts
}
