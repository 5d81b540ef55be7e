//! Recipes by which Debian's installer divides a disk (partman-auto-recipe.txt of debian-installer, read by `decode_recipe`
//! of partman-auto's recipes.sh).
//!
//! That reader never refuses: what it does not know becomes ext2, or a size that no disk has. So this one does.

use std::fmt;

/// File systems that the readers of Debian 12 and 13 both know; any other word silently becomes ext2.
const FILE_SYSTEMS: [&str; 6] = ["ext2", "ext3", "ext4", "fat32", "linux-swap", "xfs"];

/// A way to divide a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What it is called.
    pub name: String,
    /// Its partitions and logical volumes.
    pub partitions: Vec<Partition>,
}

/// A partition or a logical volume. Sizes are in megabytes (10^6 bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its least size.
    pub least: u64,
    /// How much it asks for of what is left: the size that it would like.
    pub wanted: u64,
    /// Its greatest size; none if there is no limit.
    pub most: Option<u64>,
    /// The file system that it is made for.
    pub file_system: String,
    /// What else is to be known of it.
    pub properties: Vec<Property>,
}

/// `NAME{ VALUE }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name, with a dollar in front where only the reader itself looks at it.
    pub name: String,
    /// Its value, which may be empty: words with one blank between them.
    pub value: String,
}

impl Partition {
    /// The value of a property.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|property| property.name == name).map(|property| property.value.as_str())
    }
}

/// What is wrong with a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a recipe: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl Recipe {
    /// Its lines: the name, then one for each partition. Line ends mean no more than blanks.
    ///
    /// # Errors
    /// If it holds what its grammar cannot say: then it would not be read as it is.
    pub fn lines(&self) -> Result<Vec<String>, Malformed> {
        let mut lines = vec![format!("{} ::", self.name)];
        lines.extend(self.partitions.iter().map(ToString::to_string));
        match Self::read(&lines.join(" ")) {
            Ok(read) if read == *self => Ok(lines),
            Ok(_) => Err(Malformed("it is read as another one".to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// If the installer could read it otherwise than it is meant.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let mut words = text.split_ascii_whitespace();
        let name =
            words.next().filter(|name| is_plain(name)).ok_or_else(|| malformed("it has no name", text))?;
        if words.next() != Some("::") {
            return Err(malformed("no :: follows the name", name));
        }
        let (mut partitions, mut line) = (Vec::new(), Vec::new());
        for word in words {
            if word == "." {
                partitions.push(partition(&line)?);
                line.clear();
            } else {
                line.push(word);
            }
        }
        if !line.is_empty() {
            return Err(malformed("no point ends", &line.join(" ")));
        }
        Ok(Self { name: name.to_owned(), partitions })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.most.map_or("-1".to_owned(), |most| most.to_string());
        write!(f, "{} {} {most} {}", self.least, self.wanted, self.file_system)?;
        for Property { name, value } in &self.properties {
            write!(f, " {name}{{ {value}{}}}", if value.is_empty() { "" } else { " " })?;
        }
        write!(f, " .")
    }
}

fn malformed(what: &str, text: &str) -> Malformed {
    Malformed(format!("{what}: {text}"))
}

fn partition(words: &[&str]) -> Result<Partition, Malformed> {
    let [least, wanted, most, file_system, rest @ ..] = words else {
        return Err(malformed("no three sizes and a file system", &words.join(" ")));
    };
    let (least, wanted) = (size(least)?, size(wanted)?);
    let most = if *most == "-1" { None } else { Some(size(most)?) };
    // The installer would make them so.
    if wanted < least || most.is_some_and(|most| most < least) {
        return Err(malformed("sizes that are less than the least", &words.join(" ")));
    }
    if !FILE_SYSTEMS.contains(file_system) {
        return Err(malformed("a file system that becomes ext2", file_system));
    }
    let properties = properties(rest)?;
    Ok(Partition { least, wanted, most, file_system: (*file_system).to_owned(), properties })
}

/// A whole number as it is usually written: the installer's shell takes a zero in front for octal.
fn size(word: &str) -> Result<u64, Malformed> {
    let digits = word.bytes().all(|c| c.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| digits).ok_or_else(|| malformed("not a size", word))
}

fn properties(words: &[&str]) -> Result<Vec<Property>, Malformed> {
    let (mut properties, mut words) = (Vec::<Property>::new(), words.iter());
    while let Some(word) = words.next() {
        let name = word.strip_suffix('{').filter(|name| is_plain(name.strip_prefix('$').unwrap_or(name)));
        let name = name.ok_or_else(|| malformed("no name with a brace right behind it", word))?;
        if properties.iter().any(|earlier| earlier.name == name) {
            return Err(malformed("a property that stands twice", name));
        }
        let mut value = Vec::new();
        loop {
            match words.next() {
                Some(&"}") => break,
                Some(part) if is_plain(part) => value.push(*part),
                _ => return Err(malformed("a value without end", name)),
            }
        }
        properties.push(Property { name: name.to_owned(), value: value.join(" ") });
    }
    Ok(properties)
}

/// Whether a word means nothing to the reader, or to the shell that it is written in.
fn is_plain(word: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"/_.+-".contains(&c);
    !word.is_empty() && word != "." && word.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str =
        "bpc :: 768 768 768 ext4 $bootable{ } mountpoint{ /boot } . 8 1000 -1 ext4 method{ lvm } .";

    #[test]
    fn a_recipe_is_read_and_written() {
        let recipe = Recipe::read(EXAMPLE).unwrap();
        let [boot, group] = recipe.partitions.as_slice() else { panic!("{recipe:?}") };
        assert_eq!((boot.least, boot.most, boot.get("mountpoint")), (768, Some(768), Some("/boot")));
        assert_eq!((boot.get("$bootable"), group.most, group.get("method")), (Some(""), None, Some("lvm")));
        assert_eq!(recipe.lines().unwrap().join(" "), EXAMPLE);
        assert_eq!(Recipe::read(&EXAMPLE.replace(' ', "\n\t ")).unwrap(), recipe);
    }

    #[test]
    fn what_the_installer_would_read_otherwise_is_refused() {
        for (right, wrong) in [
            ("bpc ::", "bpc :"),
            ("bpc ::", "::"),
            ("768 768 768", "768 768"),
            ("768 768 768", "0768 768 768"),
            ("768 768 768", "768 100 768"),
            ("768 768 768", "768 768 100"),
            ("768 768 768", "50% 768 768"),
            ("768 768 768", "-1 768 768"),
            ("768 ext4", "768 btrfs"),
            ("$bootable{ }", "$bootable { }"),
            ("$bootable{ }", "$bootable{}"),
            ("$bootable{ }", "$bootable{ "),
            ("$bootable{ }", "$bootable{ } $bootable{ }"),
            ("$bootable{ }", "bootable"),
            ("$bootable{ }", "$bootable{ ; }"),
            ("$bootable{ }", "$bootable{ * }"),
            ("{ lvm } .", "{ lvm }"),
            ("{ lvm } .", "{ lvm . }"),
        ] {
            assert!(EXAMPLE.contains(right));
            let text = EXAMPLE.replacen(right, wrong, 1);
            assert!(Recipe::read(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_cannot_say_is_not_written() {
        let recipe = |change: fn(&mut Partition)| {
            let mut recipe = Recipe::read(EXAMPLE).unwrap();
            change(&mut recipe.partitions[0]);
            recipe.lines()
        };
        assert!(recipe(|_| ()).is_ok());
        assert!(recipe(|it| it.properties[1].value = "a } b".to_owned()).is_err());
        assert!(recipe(|it| it.properties[1].value = "a  b".to_owned()).is_err());
        assert!(recipe(|it| it.properties[1].name = "mount point".to_owned()).is_err());
        assert!(recipe(|it| it.file_system = "zfs".to_owned()).is_err());
        assert!(recipe(|it| it.most = Some(1)).is_err());
    }

    fn partitions() -> impl Strategy<Value = Partition> {
        let sizes = (0_u64..1 << 40, 0_u64..1 << 40, prop::option::of(0_u64..1 << 40));
        let properties =
            prop::collection::btree_map("\\$?[a-z/_]{1,9}", "([a-z/.+-]{2,9}( [a-z0-9]{1,9}){0,2})?", 0..5);
        (sizes, prop::sample::select(FILE_SYSTEMS.to_vec()), properties).prop_map(
            |((least, more, most), file_system, properties)| Partition {
                least,
                wanted: least + more,
                most: most.map(|most| least + most),
                file_system: file_system.to_owned(),
                properties: properties.into_iter().map(|(name, value)| Property { name, value }).collect(),
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            name in "[a-z]{1,9}",
            partitions in prop::collection::vec(partitions(), 0..9),
        ) {
            let recipe = Recipe { name, partitions };
            prop_assert_eq!(Recipe::read(&recipe.lines().unwrap().join("\n")), Ok(recipe));
        }

        #[test]
        fn any_text_is_read_to_an_end(text in "[a-z0-9:. {}$-]{0,80}") {
            let _ = Recipe::read(&text);
            let _ = Recipe::read(&format!("{EXAMPLE} {text}"));
        }
    }
}
