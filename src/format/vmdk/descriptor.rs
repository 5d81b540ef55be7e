//! The descriptor: a text of comments, `key=value` lines, one extent and the disk database.

use super::error::Malformed;

/// What the descriptor of a disk says that is not fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// The length of its one extent, in sectors.
    pub(super) sectors: u64,
    /// `ddb.uuid.image`, by which VirtualBox knows a disk; others write none.
    pub(super) uuid: Option<String>,
}

impl Descriptor {
    /// The text, whose content id follows from the UUID.
    pub(super) fn to_text(&self) -> String {
        let Self { sectors, uuid } = self;
        let uuid = uuid.as_deref().unwrap_or_default();
        // ffffffff would mean that there is none.
        let content = self.content_id() & 0x7fff_ffff;
        // As all writers: 63 sectors, 16 heads, and what is left, which the BIOS of old could not count further.
        let cylinders = (sectors / (16 * 63)).clamp(1, 16383);
        format!(
            "# Disk DescriptorFile
version=1
CID={content:08x}
parentCID={NO_PARENT}
createType=\"{STREAM_OPTIMIZED}\"

# Extent description
RDONLY {sectors} SPARSE \"disk.vmdk\"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = \"4\"
ddb.adapterType = \"ide\"
ddb.geometry.cylinders = \"{cylinders}\"
ddb.geometry.heads = \"16\"
ddb.geometry.sectors = \"63\"
ddb.uuid.image = \"{uuid}\"
ddb.uuid.parent = \"{NO_UUID}\"
ddb.uuid.modification = \"{NO_UUID}\"
ddb.uuid.parentmodification = \"{NO_UUID}\"
"
        )
    }

    fn content_id(&self) -> u32 {
        let digits = self.uuid.as_deref().unwrap_or_default().split('-').next();
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
    }

    /// Reads a text with one extent and no parent.
    pub(super) fn from_text(text: &str, at: u64) -> Result<Self, Malformed> {
        let wrong = |problem| Malformed { at, problem };
        if !text.starts_with("# Disk DescriptorFile") {
            return Err(wrong("there is no descriptor"));
        }
        let value = |key: &str| {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let mut found = pairs.filter(|(name, _)| name.trim() == key);
            found.next().map(|(_, value)| value.trim().trim_matches('"'))
        };
        if value("createType") != Some(STREAM_OPTIMIZED) {
            return Err(wrong("the descriptor has another type than streamOptimized"));
        }
        if value("parentCID").is_some_and(|parent| parent != NO_PARENT) {
            return Err(wrong("the disk has a parent"));
        }
        let extents = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut extents = extents.filter_map(|words| match words.as_slice() {
            ["RW" | "RDONLY" | "NOACCESS", sectors, kind, ..] => {
                Some((sectors.parse().ok(), *kind == "SPARSE"))
            }
            _ => None,
        });
        let (Some((Some(sectors), true)), None) = (extents.next(), extents.next()) else {
            return Err(wrong("the descriptor has not one sparse extent"));
        };
        Ok(Self { sectors, uuid: value("ddb.uuid.image").map(str::to_owned) })
    }
}

const STREAM_OPTIMIZED: &str = "streamOptimized";
/// `parentCID` of a disk that stands for itself.
const NO_PARENT: &str = "ffffffff";
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";
