//! Whether what prose puts in backticks exists: files, commands, tests, names in the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use super::super::found::Lab;
use super::super::readme;

/// Words of Rust itself.
const RUST: &[&str] = &[
    "as", "async", "await", "bool", "const", "crate", "drop", "else", "enum", "false", "fn", "for", "if", "impl", "in",
    "let", "loop", "match", "mod", "move", "mut", "new", "pub", "ref", "return", "self", "Self", "struct", "super",
    "trait", "true", "type", "unsafe", "use", "where", "while", "i8", "i16", "i32", "i64", "i128", "isize", "u8",
    "u16", "u32", "u64", "u128", "usize", "f32", "f64", "str", "String", "Vec", "Option", "Some", "None", "Result",
    "Ok", "Err", "Box", "Arc", "Mutex", "todo", "rs", "toml", "md",
];

/// What is named and does not exist, with where it is named; `cli` is the command line of `./lab`.
///
/// # Errors
/// A source cannot be read.
pub(super) fn missing(lab: &Lab, cli: &clap::Command) -> anyhow::Result<Vec<String>> {
    let known = Known::of(lab, cli)?;
    let mut wrong = Vec::new();
    for (place, text) in prose(lab) {
        for named in in_backticks(&text) {
            if let Some(why) = known.lacks(lab, &named) {
                wrong.push(format!("{place} names `{named}`: {why}"));
            }
        }
    }
    Ok(wrong)
}

/// Every piece of prose of a lab, with where it stands.
fn prose(lab: &Lab) -> Vec<(String, String)> {
    let manifest = &lab.manifest;
    let file = format!("solutions/{}/lab.toml", manifest.folder());
    let mut all = vec![(format!("{file}, about"), manifest.about.clone())];
    for task in &manifest.tasks {
        let place = format!("{file}, task {}", task.number);
        all.push((format!("{place}, title"), task.title.clone()));
        all.push((format!("{place}, what"), task.what.clone()));
        for (level, hint) in task.hints.iter().enumerate() {
            all.push((format!("{place}, hint {}", level + 1), hint.clone()));
        }
        for text in task.predict.iter().flat_map(|(question, answer)| [question, answer]) {
            all.push((format!("{place}, prediction"), text.clone()));
        }
    }
    for mutant in &manifest.mutants {
        all.push((format!("{file}, mutant {}", mutant.name), mutant.question.clone()));
    }
    if let Some(bonus) = &manifest.bonus {
        all.push((format!("{file}, bonus"), bonus.what.clone()));
    }
    let discussion = lab.solution().join("DISCUSSION.md");
    if let Ok(text) = fs::read_to_string(&discussion) {
        all.push((format!("solutions/{}/DISCUSSION.md", manifest.folder()), text));
    }
    all.push(("the generated README".into(), readme::text(lab, &[])));
    all
}

/// The single-backtick spans of a Markdown text, without its fenced blocks.
fn in_backticks(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut fenced = false;
    for line in text.lines() {
        let line = line.trim();
        let fence = line.starts_with("```");
        fenced ^= fence;
        // A span may go on in the next line of its paragraph, and one that nobody closed ends with it.
        if fence || line.is_empty() || line.starts_with(['-', '#', '|', '>']) {
            paragraphs.push(String::new());
        }
        if let (false, false, Some(paragraph)) = (fence, fenced, paragraphs.last_mut()) {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    let spans = paragraphs.iter().flat_map(|paragraph| {
        let pieces: Vec<&str> = paragraph.split('`').collect();
        let closed = (pieces.len() - 1) / 2;
        pieces.into_iter().skip(1).step_by(2).take(closed)
    });
    spans.filter(|span| !span.is_empty()).map(str::to_owned).collect()
}

/// What there is.
struct Known<'a> {
    identifiers: BTreeSet<String>,
    cli: &'a clap::Command,
}

impl<'a> Known<'a> {
    fn of(lab: &Lab, cli: &'a clap::Command) -> anyhow::Result<Self> {
        let mut identifiers: BTreeSet<String> = RUST.iter().map(|word| (*word).to_owned()).collect();
        let mut folders: Vec<PathBuf> = vec![lab.solution(), lab.root.join("harness")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") {
                    for line in fs::read_to_string(&path)?.lines() {
                        // A name that only a comment knows is no name.
                        let code = line.split("//").next().unwrap_or_default();
                        identifiers.extend(words(code).map(str::to_owned));
                    }
                }
            }
        }
        identifiers.extend([lab.manifest.library.clone(), lab.manifest.name.clone()]);
        // As in `mock::task1_a_name`; no code has a name for its own file in tests/.
        identifiers.extend(lab.manifest.programs.iter().map(|program| program.name.clone()));
        Ok(Self { identifiers, cli })
    }

    fn lacks(&self, lab: &Lab, named: &str) -> Option<String> {
        if lab.manifest.words.contains(named) {
            return None;
        }
        if let Some(command) = named.strip_prefix("./lab") {
            return no_command(self.cli, command);
        }
        if named.starts_with("cargo ") {
            return no_package(lab, named);
        }
        // The words inside are a sentence.
        if named.starts_with("todo!(") {
            return None;
        }
        if let Some(flag) = named.strip_prefix("--") {
            let flag = flag.split([' ', '=']).next().unwrap_or_default();
            return (!is_flag(self.cli, flag))
                .then(|| "no command of ./lab has it; add it to words in lab.toml if it is of others".into());
        }
        if looks_like_a_path(named) {
            let there = [lab.solution(), lab.root.clone()]
                .iter()
                .any(|place| place.join(named).exists())
                || named
                    .strip_prefix("labs/")
                    .is_some_and(|_| lab.root.join(named).exists());
            let of_the_lab = named == "tests/mine.rs" || named == "README.md";
            return (!there && !of_the_lab).then(|| "no such file".into());
        }
        let lacking: Vec<&str> = words(named)
            .filter(|word| !self.identifiers.contains(*word) && !lab.manifest.words.contains(*word))
            .collect();
        (!lacking.is_empty()).then(|| {
            format!("nothing in the code is called {}; correct it, or add it to words in lab.toml if it is a name of others", lacking.join(", "))
        })
    }
}

fn looks_like_a_path(named: &str) -> bool {
    let plain = named.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    plain
        && ["rs", "toml", "md", "patch"]
            .iter()
            .any(|kind| Path::new(named).extension().is_some_and(|it| it == *kind))
        || (plain && named.contains('/') && !named.contains("//") && !named.starts_with('/') && named.len() > 3)
}

fn no_command(cli: &clap::Command, command: &str) -> Option<String> {
    let words = std::iter::once("lab").chain(command.split_whitespace().filter(|word| *word != "…"));
    match cli.clone().try_get_matches_from(words) {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => None,
            _ => Some(crate::refusal::sentence(&error).unwrap_or_else(|| "no such command".into())),
        },
    }
}

/// Whether some command takes `--flag`.
fn is_flag(cli: &clap::Command, flag: &str) -> bool {
    let commands = std::iter::once(cli).chain(cli.get_subcommands());
    let mut flags = commands
        .flat_map(clap::Command::get_arguments)
        .filter_map(clap::Arg::get_long);
    ["help", "version"].contains(&flag) || flags.any(|long| long == flag)
}

/// Of a call of cargo: its packages and test programs.
fn no_package(lab: &Lab, named: &str) -> Option<String> {
    let words: Vec<&str> = named.split_whitespace().collect();
    for pair in words.windows(2) {
        let known = match pair[0] {
            "-p" | "--package" => {
                let folder = lab.manifest.folder();
                [format!("lab-{folder}"), format!("solution-{folder}"), "lab".into()].contains(&pair[1].to_owned())
            }
            "--test" => pair[1] == "mine" || lab.manifest.layer(pair[1]).is_some(),
            _ => true,
        };
        if !known {
            return Some(format!("there is no {}", pair[1]));
        }
    }
    None
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 1 && word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn cli() -> clap::Command {
        crate::cli::Cli::command()
    }

    #[test]
    fn only_what_stands_in_single_backticks_is_a_name() {
        let text = "See `Link::send` and\n```rust\nlet `x` = 1;\n```\nthen `a` or `b.rs`.";
        assert_eq!(in_backticks(text), ["Link::send", "a", "b.rs"]);
    }

    #[test]
    fn a_name_may_go_on_in_the_next_line_and_one_that_is_not_closed_ends_with_its_paragraph() {
        assert_eq!(in_backticks("see `./lab test\n  05` and `a`"), ["./lab test 05", "a"]);
        assert_eq!(in_backticks("an odd ` here\n- `b` there"), ["b"]);
    }

    #[test]
    fn a_flag_is_known_if_some_command_has_it() {
        assert!(
            ["give-up", "yes", "help"].iter().all(|flag| is_flag(&cli(), flag)),
            "see the command line"
        );
        assert!(!is_flag(&cli(), "give-in"), "no command has it");
    }

    #[test]
    fn a_command_that_there_is_not_is_told() {
        assert_eq!(no_command(&cli(), " up --rate max"), None);
        assert!(no_command(&cli(), " upp").is_some(), "no such command");
        assert!(no_command(&cli(), " up --fault sharks@3s").is_some(), "no such fault");
    }
}
