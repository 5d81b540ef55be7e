//! Makes a user's own repository.

#![expect(
    clippy::disallowed_methods,
    reason = "the driver is what reads files, the environment and the clock"
)]

use std::env;
use std::path::Path;

use jiff::Timestamp;

use super::{Status, Terminal, now, read};
use crate::repository::{EPOCH, STARTS, Start, files};
use crate::site::Image;
use crate::value::is_dns_label;
use crate::{plan_site, write};

/// The blueprints that a repository can start from.
pub fn starts() -> impl Iterator<Item = &'static str> {
    STARTS.iter().map(|start| start.name)
}

/// Puts into `folder` what a repository starts with: the blueprint `from` under the name `name`, or its own.
///
/// Nothing is overwritten: if one of the files is there and differs, none is written.
pub fn init(terminal: &mut Terminal<'_>, folder: &Path, name: Option<&str>, from: &str) -> Status {
    let Some(start) = Start::find(from) else {
        return terminal.fail(&format!("there is no blueprint `{from}` to start from"));
    };
    let name = name.unwrap_or(start.name);
    if !is_dns_label(name) {
        let message = format!("a blueprint's name must be a DNS label, `{name}` is not");
        return terminal.fail(&format!("{message}: use small letters, digits and hyphens"));
    }
    let blueprint = folder.join(format!("blueprints/{name}/blueprint.yaml"));
    let files = files(start, name, Some(&epoch(&blueprint)));
    match write::add(&files, folder) {
        Ok(added) => {
            terminal.begun((folder, name), &added, image(&blueprint).as_ref());
            Status::Success
        }
        Err(error @ write::Error::Refused { .. }) => {
            terminal.fail(&error.to_string());
            Status::Findings
        }
        Err(error) => terminal.fail(&error.to_string()),
    }
}

/// The epoch of a blueprint that is to be there: its own if it is, else the first second of today (UTC).
///
/// `SOURCE_DATE_EPOCH` (reproducible-builds.org, seconds since 1970) is another today. Certificates start with the epoch, so
/// a cluster that begins now has all of their time before it.
fn epoch(blueprint: &Path) -> String {
    let text = read::text(blueprint).unwrap_or_default();
    if let Some((_, rest)) = text.split_once(EPOCH) {
        return rest.lines().next().unwrap_or_default().to_owned();
    }
    let given = env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let now = given.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_else(now);
    now.strftime("%Y-%m-%dT00:00:00Z").to_string()
}

/// What the machines of a blueprint start from; none if there is something wrong with it, which the next command says.
fn image(blueprint: &Path) -> Option<Image> {
    plan_site(&read::inputs(blueprint, &[]).ok()?).0.map(|site| site.image)
}
