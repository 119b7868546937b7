//! What this machine has of what the stack needs, for a doctor to show.

use std::path::Path;

use super::cures::Tool;
use super::store::{Condition, quick_check};
use super::versions::{Versions, versions};
use super::{Part, Plan, fetch, home, memory_mb, tools};
use crate::engine::{self, images};
use crate::error::StackError;
use crate::spec::Provider;

/// Megabytes of memory below which a run will suffer.
const MEMORY_WANTED_MB: u64 = 4_096;
/// One thing that the stack needs, and whether this machine has it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is called.
    pub what: &'static str,
    /// The version found, or a size; `None` when it is missing or not enough.
    pub version: Option<String>,
    /// What cures it, if it is missing: a command where there is one.
    pub cure: Option<String>,
    /// What it is needed for.
    pub needed_for: &'static str,
    /// Whether its lack must be cured by a person: what the next start fetches, and what one test uses, need not be.
    pub required: bool,
}

/// Looks for everything that the local stack needs. Starts a few programs to ask their versions; fetches nothing.
pub fn survey() -> Vec<Found> {
    let home = home();
    let minimum_java = versions().map_or(17, |versions: &Versions| versions.kafka.minimum_java);
    let java = match tools::java(minimum_java) {
        Ok(java) => Ok(java.version),
        Err(StackError::MissingTool { cure, .. }) => Err(cure),
        Err(error) => Err(error.to_string()),
    };
    let pip = tools::pip().ok().and_then(|(program, mut arguments)| {
        arguments.push("--version".into());
        let arguments: Vec<_> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
        // "pip 23.2 from /some/where (python 3.11)": the place is of no interest
        tools::first_line(&program, &arguments).map(|line| line.split(" from ").next().unwrap_or(&line).to_owned())
    });
    let rustc = match tools::rustc()
        .ok()
        .and_then(|rustc| tools::first_line(&rustc, &["--version"]))
    {
        Some(line) if tools::is_wanted_rust(&line) => Ok(line),
        Some(line) => Err(format!(
            "{line} is older than {}: {}",
            tools::RUST_WANTED,
            Tool::Rust.cure()
        )),
        None => Err(Tool::Rust.cure()),
    };
    let program = |name: &str, arguments: &[&str], tool: Tool| {
        let version = tools::find(name).and_then(|program| tools::first_line(&program, arguments));
        version.ok_or_else(|| tool.cure())
    };
    let mut list = vec![
        found("java", java, "runs Kafka"),
        found(
            "maven",
            program("mvn", &["--version"], Tool::Maven),
            "fetches Kafka's jars, once",
        ),
        found(
            "pip",
            pip.ok_or_else(|| Tool::Pip.cure()),
            "fetches the ClickHouse engine, once",
        ),
        found("rustc", rustc, "builds everything here"),
        found(
            "cc",
            program("cc", &["--version"], Tool::Cc),
            "links, and builds librdkafka",
        ),
        found("make", program("make", &["--version"], Tool::Make), "builds librdkafka"),
        Found {
            required: false,
            ..found(
                "strace",
                program("strace", &["--version"], Tool::Strace),
                "tests that kill a server at one system call",
            )
        },
    ];
    list.extend(containers());
    match Plan::new(&home) {
        Ok(plan) => {
            list.push(piece(
                &plan,
                Part::Jars,
                &plan.versions.kafka.version,
                "the local Kafka",
            ));
            list.push(piece(
                &plan,
                Part::Engine,
                &plan.versions.clickhouse.version,
                "the local ClickHouse",
            ));
            list.push(disk(&plan, &home));
        }
        Err(error) => {
            let why = error.to_string();
            list.push(found("Kafka jars", Err(why.clone()), "the local Kafka"));
            list.push(found("ClickHouse engine", Err(why), "the local ClickHouse"));
        }
    }
    let memory = memory_mb();
    let enough = memory.filter(|mb| *mb >= MEMORY_WANTED_MB).map(|mb| format!("{mb} MB"));
    let cure = || format!("{} MB are here, {MEMORY_WANTED_MB} are wanted", memory.unwrap_or(0));
    list.push(found(
        "memory",
        enough.ok_or_else(cure),
        "Kafka, ClickHouse and the pipeline together",
    ));
    list
}

/// Which provider `auto` stands for on this machine, and why.
pub fn auto_provider() -> (Provider, String) {
    let picked = Provider::Auto.resolve();
    let why = match (picked, engine::version(), images::present()) {
        (Provider::Containers, Ok(version), Ok(Some(_))) => {
            format!("a container engine {version} answers, and has both images")
        }
        (Provider::Containers, ..) => "this is not Linux; start a container engine, then ./lab images".into(),
        (_, Ok(version), _) => {
            format!("a container engine {version} answers, but has not both images (./lab images gets them)")
        }
        (_, Err(_), _) => "this is Linux, and no container engine answers".into(),
    };
    (picked, why)
}

/// A thing by its version, or by what cures its lack.
fn found(what: &'static str, is: Result<String, String>, needed_for: &'static str) -> Found {
    let (version, cure) = match is {
        Ok(version) => (Some(version), None),
        Err(cure) => (None, Some(cure)),
    };
    Found {
        what,
        version,
        cure,
        needed_for,
        required: true,
    }
}

/// The engine, and what it has of ours. Only `--stack containers` needs either.
fn containers() -> [Found; 2] {
    let engine = engine::version().map_err(|_| format!("{}, and start it", Tool::Docker.cure()));
    let images = match (&engine, images::present()) {
        (Ok(_), Ok(Some(images))) => Ok(format!("{}, {}", images.kafka, images.clickhouse)),
        (Ok(_), _) => Err("./lab images".to_owned()),
        (Err(_), _) => Err("start a container engine, then ./lab images".to_owned()),
    };
    [
        found("container engine", engine, "--stack containers"),
        found("images", images, "--stack containers, docker-compose.yml"),
    ]
    .map(|found| Found {
        required: false,
        ..found
    })
}

fn piece(plan: &Plan, part: Part, version: &str, needed_for: &'static str) -> Found {
    let is = match quick_check(&plan.folder(part), plan.key(part)) {
        Condition::Whole => Ok(version.to_owned()),
        Condition::Not(why) => Err(format!("{why}; the next start fetches it")),
    };
    Found {
        required: false,
        ..found(part.name(), is, needed_for)
    }
}

fn disk(plan: &Plan, home: &Path) -> Found {
    // The folder itself may not exist yet.
    let there = home
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    let free = fetch::free(there).unwrap_or(0);
    let missing = plan.bytes(&plan.missing()).unwrap_or(0);
    // Beside what is still to be fetched, a run wants room for its log segments and parts.
    let needed = missing + 2_000_000_000;
    let is = if free >= needed {
        Ok(format!("{} MB free in {}", free / 1_000_000, home.display()))
    } else {
        Err(format!(
            "{} MB are free in {} and {} are needed: free some, or set TICKBOOK_HOME to a larger disk",
            free / 1_000_000,
            home.display(),
            needed / 1_000_000
        ))
    };
    found("disk", is, "the servers and the data of a run")
}
