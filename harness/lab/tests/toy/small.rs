//! Solutions that ask one thing each, to be broken.

use super::Toy;

/// A solution that asks one thing, to be broken: the files below its folder.
pub struct Small {
    pub number: u8,
    pub name: &'static str,
    pub library: String,
    pub tests: String,
    /// The inside of `tests = [ ]`, names without their program.
    pub declared: Vec<&'static str>,
    /// What stands at the end of `lab.toml`.
    pub more: String,
    pub discussion: String,
    pub mutants: Vec<(&'static str, String)>,
    pub hint: &'static str,
}

impl Small {
    pub fn new(number: u8, name: &'static str) -> Self {
        Self {
            number,
            name,
            library: "//! One.\n\n/// One more.\npub fn next(value: u8) -> u8 {\n    // TASK 1: one more\n    value + 1\n    // END TASK 1\n}\n".into(),
            tests: format!(
                "//! Task 1.\n\n#[test]\nfn task1_one_more() {{\n    assert_eq!({name}::next(1), 2, \"look at next\");\n}}\n"
            ),
            declared: vec!["task1_one_more"],
            more: String::new(),
            discussion: "# One\n\nSee `next`.\n".into(),
            mutants: Vec::new(),
            hint: "Count.",
        }
    }

    pub fn folder(&self) -> String {
        format!("{:02}-{}", self.number, self.name)
    }

    pub fn write(&self, toy: &Toy) {
        let declared: Vec<String> = self.declared.iter().map(|test| format!("\"one::{test}\"")).collect();
        let mutants: Vec<String> = self
            .mutants
            .iter()
            .map(|(name, _)| {
                format!(
                    "\n[[mutant]]\nname = \"{name}\"\nkilled_by = \"one::task1_one_more\"\nquestion = \"Why {name}?\"\n"
                )
            })
            .collect();
        let manifest = format!(
            "number = {}\nname = \"{name}\"\nlibrary = \"{name}\"\ntitle = \"One more\"\nabout = \"Counts.\"\n\n[programs]\npure = \
             [\"one\"]\n\n[[task]]\nnumber = 1\ntitle = \"One more\"\nwhat = \"Count in `next`.\"\ntests = [{}]\nhints = [\"{}\", \
             \"By one.\", \"Add it.\"]\n{}{}",
            self.number,
            declared.join(", "),
            self.hint,
            mutants.concat(),
            self.more,
            name = self.name,
        );
        let below = format!("solutions/{}", self.folder());
        toy.write(&format!("{below}/Cargo.toml"), &package(&self.folder(), self.name));
        toy.write(&format!("{below}/lab.toml"), &manifest);
        toy.write(&format!("{below}/src/lib.rs"), &self.library);
        toy.write(&format!("{below}/tests/one.rs"), &self.tests);
        toy.write(&format!("{below}/DISCUSSION.md"), &self.discussion);
        for (name, text) in &self.mutants {
            toy.write(&format!("{below}/mutants/{name}.patch"), text);
        }
    }
}

pub(super) fn package(folder: &str, library: &str) -> String {
    format!(
        "[package]\nname = \"solution-{folder}\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = \
         true\nlicense.workspace = true\npublish.workspace = true\n\n[lints]\nworkspace = true\n\n[lib]\nname = \
         \"{library}\"\n\n[dependencies]\n"
    )
}
