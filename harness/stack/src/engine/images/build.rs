//! Our own images, from the pieces of the local stack on a base of Debian's: nothing is fetched twice, every sum is checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{KEY, Kind, key_of, pull};
use crate::error::StackError;
use crate::provision::{self, Fetching, Pieces, Progress, Tool};

/// What Debian calls itself, and the image of it that is taken if it can be had.
const SUITE: &str = "bookworm";
const OFFICIAL_BASE: &str = "debian:bookworm-slim";
/// What debootstrap makes of it where no registry can be reached.
const OWN_BASE: &str = "tickbook-base:bookworm";

/// A base without what apt has fetched to make it.
const IMPORT: &str = r#"
rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
tar -C "$1" -c . | docker import --change "LABEL $2" - "$3"
"#;

/// A file of an image's folder in `harness/stack/images`.
type Source = (&'static str, &'static str);

const KAFKA: [Source; 5] = [
    ("Dockerfile", include_str!("../../../images/kafka/Dockerfile")),
    ("KafkaStart.java", include_str!("../../../images/kafka/KafkaStart.java")),
    ("log4j2.xml", include_str!("../../../images/kafka/log4j2.xml")),
    (
        "server.properties",
        include_str!("../../../images/kafka/server.properties"),
    ),
    ("start", include_str!("../../../images/kafka/start")),
];
const CLICKHOUSE: [Source; 5] = [
    ("Dockerfile", include_str!("../../../images/clickhouse/Dockerfile")),
    ("config.xml", include_str!("../../../images/clickhouse/config.xml")),
    ("users.xml", include_str!("../../../images/clickhouse/users.xml")),
    ("tickbook.xml", include_str!("../../../images/clickhouse/tickbook.xml")),
    ("start", include_str!("../../../images/clickhouse/start")),
];

fn sources(kind: Kind) -> &'static [Source] {
    match kind {
        Kind::Kafka => &KAFKA,
        Kind::ClickHouse => &CLICKHOUSE,
    }
}

/// What an image of ours is made from.
pub(super) fn key(kind: Kind) -> Result<String, StackError> {
    let pieces = match kind {
        Kind::Kafka => provision::jars_key()?,
        Kind::ClickHouse => provision::engine_key()?,
    };
    let texts = sources(kind).iter().map(|(_, text)| *text);
    Ok(provision::key_of(texts.chain([pieces.as_str(), SUITE])))
}

/// Builds an image of ours and calls it `name`.
pub(super) fn build(kind: Kind, name: &str, progress: &Progress, shown: bool) -> Result<(), StackError> {
    let pieces = provision::ensure(shown)?;
    let damaged = provision::verify()?;
    if let Some((part, why)) = damaged.first() {
        return Err(StackError::prepare(format!("checking the {part}"), why));
    }
    let home = provision::home();
    let folder = home.join("images").join(crate::unique("build"));
    let context = folder.join("context");
    fs::create_dir_all(&context).map_err(StackError::home(&home))?;
    let built = base(&pieces, &folder, progress).and_then(|base| {
        let library = lay_out(kind, &pieces, &context)?;
        let mut command = Command::new("docker");
        command
            // The builder that every engine has. The files beside it are large: BuildKit would copy them once more.
            .env("DOCKER_BUILDKIT", "0")
            .args(["build", "--tag", name, "--label"])
            .arg(format!("{KEY}={}", key(kind)?))
            .arg("--build-arg")
            .arg(format!("BASE={base}"))
            .arg("--build-arg")
            .arg(format!("LIBRARY={library}"))
            .arg(&context);
        Fetching::of(&pieces, &folder, progress).run(&format!("building {name}"), command)
    });
    // Also after a failure: the links in there are of no use to anybody.
    let _ = fs::remove_dir_all(&folder);
    built
}

/// Puts into the folder what the Dockerfile copies: links, so that a gigabyte is not copied to be copied. Returns the place
/// of the library in there, for ClickHouse.
fn lay_out(kind: Kind, pieces: &Pieces, context: &Path) -> Result<String, StackError> {
    for (name, text) in sources(kind) {
        let path = context.join(name);
        fs::write(&path, text).map_err(StackError::io("writing", &path))?;
    }
    match kind {
        Kind::Kafka => {
            let mut inside = Vec::new();
            for jar in pieces.class_path.split(':').map(Path::new) {
                let name = jar.file_name().unwrap_or_default();
                link(jar, &context.join("libs").join(name))?;
                inside.push(format!("/opt/kafka/libs/{}", name.to_string_lossy()));
            }
            let path = context.join("class-path");
            fs::write(&path, inside.join(":")).map_err(StackError::io("writing", &path))?;
            Ok(String::new())
        }
        Kind::ClickHouse => {
            let (folder, library) = provision::engine_folder(pieces)?;
            for file in provision::files_of(&folder)? {
                let name = file.strip_prefix(&folder).unwrap_or(&file);
                link(&file, &context.join("engine").join(name))?;
            }
            link(&pieces.launcher, &context.join("launcher"))?;
            Ok(library)
        }
    }
}

fn link(from: &Path, to: &Path) -> Result<(), StackError> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(StackError::io("creating", folder))?;
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .map_err(StackError::io("linking", from))
}

/// The Debian to build on: there already, pulled, or made by debootstrap.
fn base(pieces: &Pieces, folder: &Path, progress: &Progress) -> Result<String, StackError> {
    if key_of(OFFICIAL_BASE)?.is_some() {
        return Ok(OFFICIAL_BASE.into());
    }
    if key_of(OWN_BASE)?.is_some() {
        return Ok(OWN_BASE.into());
    }
    if pull(OFFICIAL_BASE, progress).is_ok() {
        return Ok(OFFICIAL_BASE.into());
    }
    let needed = |tool: &str, cure| StackError::MissingTool {
        tool: tool.to_owned(),
        needed_for: "it makes the Debian that images are built on, where no registry can be reached",
        cure,
    };
    if provision::find_program("debootstrap").is_none() {
        return Err(needed("debootstrap", Tool::Debootstrap.cure()));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(needed("root", "sudo ./lab images".into()));
    }
    let root: PathBuf = folder.join("root");
    let fetching = Fetching::of(pieces, folder, progress);
    let mut command = Command::new("debootstrap");
    command.args(["--variant=minbase", SUITE]).arg(&root);
    fetching.run(&format!("Debian {SUITE}"), command)?;
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", IMPORT, "sh"])
        .arg(&root)
        .args([&format!("{KEY}={SUITE}"), OWN_BASE]);
    fetching.run("importing it", command)?;
    Ok(OWN_BASE.into())
}
