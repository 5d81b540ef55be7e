//! ISO images as other people's readers see them: the same names and the same bytes in every tree.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bpc::format::iso9660::{Image, SECTOR};

use crate::support::tools::{On, Staged, Tool, tool};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    File { bytes: Vec<u8>, mode: u32 },
    Folder,
}

type Tree = BTreeMap<String, Node>;

/// A reader on this machine, or else in a chroot that happens to have it.
fn reader(program: &str) -> Option<Tool> {
    [On::Host, On::Bookworm].into_iter().find_map(|on| tool(on, program))
}

fn run(command: &mut Command) -> Output {
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    output
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).unwrap()
}

fn build(identifier: &str, tree: &Tree) -> Vec<u8> {
    let mut image = Image::new(identifier, "2026-01-02T03:04:05Z".parse().unwrap()).unwrap();
    for (path, node) in tree {
        match node {
            Node::File { bytes, mode } => image.file(path, bytes.as_slice(), *mode).unwrap(),
            Node::Folder => image.folder(path).unwrap(),
        };
    }
    image.finish().unwrap()
}

fn file(bytes: &[u8], mode: u32) -> Node {
    Node::File { bytes: bytes.to_vec(), mode }
}

/// A cloud-init seed.
fn seed() -> Tree {
    Tree::from([
        ("meta-data".into(), file(b"instance-id: a\n", 0o644)),
        ("network-config".into(), file(b"version: 2\n", 0o644)),
        ("user-data".into(), file(&b"#cloud-config\n".repeat(1000), 0o600)),
    ])
}

/// Everything that is awkward: the longest names, other scripts, the deepest folders, nothing at all, and a folder
/// whose records fill many sectors and whose short names collide.
fn awkward() -> Tree {
    let mut tree = Tree::from([
        ("empty".into(), file(b"", 0o644)),
        ("zz-empty".into(), file(b"", 0o600)),
        ("nothing".into(), Node::Folder),
        (".hidden.tar.gz".into(), file(b"hidden", 0o644)),
        ("grüße ☃ and spaces".into(), file(b"snow", 0o640)),
        ("Case".into(), file(b"upper", 0o644)),
        ("case".into(), file(b"lower", 0o644)),
        ("x".repeat(103), file(b"the longest of one byte a character", 0o755)),
        (format!("y{}", "漢".repeat(84)), file(b"the longest of all", 0o4755)),
        ("sector".into(), file(&[b's'; SECTOR], 0o644)),
        ("sector-and-one".into(), file(&[b's'; SECTOR + 1], 0o644)),
        ("a/b/c/d/e/f/g/deep".into(), file(b"deep", 0o644)),
    ]);
    for number in 0..300 {
        tree.insert(format!("many/file number {number}.text"), file(number.to_string().as_bytes(), 0o644));
    }
    for number in 0..40 {
        tree.insert(format!("continued/{number:02}{}", "é".repeat(90)), file(&[number; 9], 0o644));
    }
    for (end, _) in "a/b/c/d/e/f/g/".match_indices('/') {
        tree.insert("a/b/c/d/e/f/g/"[..end].into(), Node::Folder);
    }
    tree.extend([("many".into(), Node::Folder), ("continued".into(), Node::Folder)]);
    tree
}

/// An image where a reader can see it, with a folder beside it to extract to.
struct Case {
    staged: Staged,
    image: PathBuf,
    out: PathBuf,
}

impl Case {
    fn new(reader: &Tool, image: &[u8]) -> Self {
        let staged = reader.stage(&[("image.iso", image)]);
        fs::create_dir(staged.host_path().join("out")).unwrap();
        let (image, out) = (staged.path_for("image.iso"), staged.path_for("out"));
        Self { staged, image, out }
    }

    /// What was extracted.
    fn extracted(&self) -> Tree {
        let root = self.staged.host_path().join("out");
        let mut tree = Tree::new();
        collect(&root, &root, &mut tree);
        tree
    }
}

fn collect(folder: &Path, root: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            tree.insert(name, Node::Folder);
            collect(&path, root, tree);
        } else {
            let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
            tree.insert(name, Node::File { bytes: fs::read(&path).unwrap(), mode });
        }
    }
}

/// A tree as readers of Joliet see it, which has no modes.
fn without_modes(tree: Tree) -> Tree {
    let strip = |node| match node {
        Node::File { bytes, .. } => Node::File { bytes, mode: 0 },
        Node::Folder => Node::Folder,
    };
    tree.into_iter().map(|(path, node)| (path, strip(node))).collect()
}

/// The bytes of each file.
fn files(tree: Tree) -> impl Iterator<Item = (String, Vec<u8>)> {
    tree.into_iter().filter_map(|(path, node)| match node {
        Node::File { bytes, .. } => Some((path, bytes)),
        Node::Folder => None,
    })
}

/// Both trees with the identifiers of their volumes.
fn cases() -> [(&'static str, Tree); 2] {
    [("CIDATA", seed()), ("AWKWARD", awkward())]
}

#[test]
fn blkid_finds_the_label() {
    let Some(blkid) = reader("blkid") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&blkid, &build(identifier, &tree));
        for (tag, expected) in [("LABEL", identifier), ("TYPE", "iso9660"), ("BLOCK_SIZE", "2048")] {
            let value = stdout(blkid.command().args(["-p", "-o", "value", "-s", tag]).arg(&case.image));
            assert_eq!(value.trim(), expected, "{tag}");
        }
    }
}

#[test]
fn bsdtar_extracts_the_rock_ridge_tree() {
    let Some(bsdtar) = reader("bsdtar") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&bsdtar, &build(identifier, &tree));
        let output = run(bsdtar.command().arg("-xpf").arg(&case.image).arg("-C").arg(&case.out));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(case.extracted(), tree);
    }
}

#[test]
fn bsdtar_extracts_the_joliet_tree() {
    let Some(bsdtar) = reader("bsdtar") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&bsdtar, &build(identifier, &tree));
        let options = ["--options", "!rockridge", "-C"];
        run(bsdtar.command().arg("-xf").arg(&case.image).args(options).arg(&case.out));
        assert_eq!(without_modes(case.extracted()), without_modes(tree));
    }
}

#[test]
fn bsdtar_extracts_the_plain_tree() {
    let Some(bsdtar) = reader("bsdtar") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&bsdtar, &build(identifier, &tree));
        let options = ["--options", "!rockridge,!joliet", "-C"];
        run(bsdtar.command().arg("-xf").arg(&case.image).args(options).arg(&case.out));
        let sorted = |tree: Tree| {
            let mut contents: Vec<_> = without_modes(tree).into_values().collect();
            contents.sort();
            contents
        };
        let extracted = case.extracted();
        assert!(
            extracted.keys().all(|path| !path.contains(|c: char| c.is_ascii_lowercase() || !c.is_ascii())),
            "{:?}",
            extracted.keys()
        );
        assert_eq!(sorted(extracted), sorted(tree));
    }
}

#[test]
fn seven_zip_extracts_the_joliet_tree() {
    let Some(seven_zip) = reader("7zz") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&seven_zip, &build(identifier, &tree));
        let tested = stdout(seven_zip.command().arg("t").arg(&case.image));
        assert!(tested.contains("Everything is Ok") && !tested.contains("Warning"), "{tested}");
        let out = format!("-o{}", case.out.display());
        run(seven_zip.command().arg("x").arg(out).arg(&case.image));
        assert_eq!(without_modes(case.extracted()), without_modes(tree));
    }
}

#[test]
fn xorriso_extracts_the_rock_ridge_tree() {
    let Some(xorriso) = reader("xorriso") else { return };
    for (identifier, tree) in cases() {
        let case = Case::new(&xorriso, &build(identifier, &tree));
        let mut command = xorriso.command();
        // Any problem that it only warns of makes it fail.
        command.args(["-abort_on", "WARNING", "-return_with", "WARNING", "32", "-osirrox", "on", "-indev"]);
        run(command.arg(&case.image).args(["-extract", "/"]).arg(&case.out));
        assert_eq!(case.extracted(), tree);
    }
}

#[test]
fn xorriso_finds_every_file_where_its_bytes_are() {
    let Some(xorriso) = reader("xorriso") else { return };
    for (identifier, tree) in cases() {
        let image = build(identifier, &tree);
        let case = Case::new(&xorriso, &image);
        let report = stdout(xorriso.command().arg("-indev").arg(&case.image).args([
            "-find",
            "/",
            "-type",
            "f",
            "-exec",
            "report_lba",
        ]));
        let mut found = BTreeMap::new();
        for line in report.lines().filter_map(|line| line.strip_prefix("File data lba:")) {
            let fields: Vec<_> = line.splitn(5, ',').map(str::trim).collect();
            let [start, length] = [fields[1], fields[3]].map(|number| number.parse::<usize>().unwrap());
            let path = fields[4].trim_matches('\'').trim_start_matches('/');
            found.insert(path.to_owned(), image[start * SECTOR..][..length].to_vec());
        }
        assert_eq!(found, files(tree).collect());
    }
}

#[test]
fn isoinfo_reads_the_seed_in_every_tree() {
    let Some(isoinfo) = reader("isoinfo") else { return };
    let tree = seed();
    let case = Case::new(&isoinfo, &build("CIDATA", &tree));
    let plain = ["META_DAT.;1", "NETWORK_.;1", "USER_DAT.;1"].map(String::from);
    let names: [(&[&str], Vec<String>); 3] = [
        (&[], plain.to_vec()),
        (&["-J"], tree.keys().cloned().collect()),
        (&["-R"], tree.keys().cloned().collect()),
    ];
    for (options, names) in names {
        let isoinfo = |arguments: &[&str]| {
            let mut command = isoinfo.command();
            run(command.args(options).arg("-i").arg(&case.image).args(arguments)).stdout
        };
        let listed = String::from_utf8(isoinfo(&["-f"])).unwrap();
        assert_eq!(
            listed.lines().collect::<Vec<_>>(),
            names.iter().map(|n| format!("/{n}")).collect::<Vec<_>>()
        );
        for (name, (_, bytes)) in names.iter().zip(files(tree.clone())) {
            assert_eq!(isoinfo(&["-x", &format!("/{name}")]), bytes);
        }
        assert!(String::from_utf8(isoinfo(&["-d"])).unwrap().contains("Volume id: CIDATA\n"));
    }
}

#[test]
fn isoinfo_lists_the_awkward_names() {
    let Some(isoinfo) = reader("isoinfo") else { return };
    let tree = awkward();
    let case = Case::new(&isoinfo, &build("AWKWARD", &tree));
    let listed = |option| {
        let output = run(isoinfo.command().args([option, "-f", "-i"]).arg(&case.image));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut paths: Vec<_> = text.lines().map(|line| line.trim_start_matches('/').to_owned()).collect();
        paths.sort_unstable();
        paths
    };
    assert_eq!(listed("-R"), tree.keys().cloned().collect::<Vec<_>>());
    // It shows Joliet names in an 8-bit character set.
    let joliet = listed("-J");
    assert_eq!(joliet.len(), tree.len());
    assert!(tree.keys().filter(|path| path.is_ascii()).all(|path| joliet.contains(path)), "{joliet:?}");
}
