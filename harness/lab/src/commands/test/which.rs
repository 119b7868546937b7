//! Which tests are meant: all, those of some parts, or test programs by name.

use std::fmt;
use std::process::Command;

use anyhow::bail;

use super::programs::Program;
use crate::cargo;
use crate::parts::{self, Package};

/// Parts and programs; with neither, everything.
#[derive(Debug)]
pub(super) struct Which {
    packages: Vec<Package>,
    programs: Vec<Chosen>,
}

/// `crash` or `10-sink/crash`.
#[derive(Debug)]
struct Chosen {
    part: Option<Package>,
    name: String,
}

impl Which {
    /// # Errors
    /// A word that names no part.
    pub(super) fn find(parts: &[String], programs: &[String]) -> anyhow::Result<Self> {
        let all = parts::all(&cargo::root())?;
        let chosen = |word: &String| {
            let (part, name) = match word.rsplit_once('/') {
                Some((part, name)) => (parts::find(&[part.to_owned()], &all)?.pop(), name),
                None => (None, word.as_str()),
            };
            anyhow::Ok(Chosen {
                part,
                name: name.to_owned(),
            })
        };
        Ok(Self {
            packages: parts::find(parts, &all)?,
            programs: programs.iter().map(chosen).collect::<Result<_, _>>()?,
        })
    }

    /// Parts that somebody named.
    pub(super) fn parts(&self) -> usize {
        self.packages.len()
    }

    /// Whether test programs are chosen by name.
    pub(super) fn by_program(&self) -> bool {
        !self.programs.is_empty()
    }

    /// `cargo test` of these parts, and of programs of these names in whichever part: of some parts alone it may compile
    /// every dependency anew, because it chooses their features for what is built together.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = cargo::cargo("test");
        // With none named cargo takes the workspace's default members: everything but labs, which are red until they are built.
        for package in &self.packages {
            cargo.args(["--package", &package.name]);
        }
        for program in &self.programs {
            cargo.args(["--test", &program.name]);
        }
        cargo
    }

    /// Those of what [`Which::cargo`] builds that are meant.
    ///
    /// # Errors
    /// One that was chosen by name is not there.
    pub(super) fn of(&self, mut built: Vec<Program>) -> anyhow::Result<Vec<Program>> {
        for chosen in &self.programs {
            if !built.iter().any(|program| chosen.means(program)) {
                bail!("there is no test program {chosen}; its name is that of a file in tests/, without .rs");
            }
        }
        built.retain(|program| self.means(program));
        Ok(built)
    }

    fn means(&self, program: &Program) -> bool {
        self.programs.is_empty() || self.programs.iter().any(|chosen| chosen.means(program))
    }
}

impl Chosen {
    fn means(&self, program: &Program) -> bool {
        let part = self.part.as_ref().map(|part| part.folder.as_str());
        self.name == program.target && part.is_none_or(|part| part == program.part)
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{}/{}", part.folder, self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.programs.is_empty() {
            return f.write_str(&parts::named(&self.packages));
        }
        match self.programs.len() {
            // Too many for a line; each is shown as it begins.
            many @ 5.. => write!(f, "{many} test programs"),
            _ => {
                let programs: Vec<String> = self.programs.iter().map(Chosen::to_string).collect();
                f.write_str(&programs.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(part: &str, target: &str) -> Program {
        Program {
            part: part.into(),
            target: target.into(),
            ..Program::default()
        }
    }

    #[test]
    fn a_program_is_meant_in_every_part_or_in_one() {
        let which = Which::find(&[], &["crash".into(), "pipeline/faults".into()]).expect("both are words");
        assert!(which.means(&program("10-sink", "crash")));
        assert!(which.means(&program("14-pipeline", "faults")));
        assert!(
            !which.means(&program("01-async", "faults")),
            "it has one of that name, too"
        );
        assert_eq!(which.to_string(), "crash, 14-pipeline/faults");
        let refused = Which::find(&[], &["nowhere/crash".into()]).expect_err("no such part");
        assert!(
            refused.to_string().starts_with("no part is called \"nowhere\""),
            "{refused}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_not_passed_over_because_another_one_is() {
        let which = Which::find(&[], &["crash".into(), "sink/faults".into()]).expect("both are words");
        let built = vec![program("10-sink", "crash"), program("14-pipeline", "faults")];
        let refused = which.of(built).expect_err("there is none in this part").to_string();
        assert!(
            refused.starts_with("there is no test program 10-sink/faults"),
            "{refused}"
        );
    }

    #[test]
    fn where_nothing_is_named_everything_is_meant() {
        let which = Which::find(&[], &[]).expect("nothing can be wrong");
        assert!(which.means(&program("10-sink", "crash")));
        assert_eq!(which.to_string(), "everything");
    }
}
