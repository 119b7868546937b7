//! What came of a run, in words: how far each task is, and of what is red the first thing to look at.

use std::fmt::Write as _;

use crate::labs::runner::{Event, Outcome, Ran};
use crate::labs::{Lab, Task, Whose};

use super::session::Attempt;
use super::standing::Standing;
use super::style::{Style, paragraphs};

/// Lines of a test's message that are shown; a wall is read by nobody.
const LINES: usize = 16;
/// Characters of each.
const COLUMNS: usize = 400;

/// How one task's tests ended.
struct Row<'a> {
    task: &'a Task,
    passed: usize,
    unbuilt: bool,
    held_back: usize,
}

/// The verdict on a lab. `before` is the reader's standing before the run, `after` the one that it led to.
pub(crate) fn board(lab: &Lab, result: &Attempt, before: &Standing, after: &Standing, style: Style) -> String {
    let manifest = &lab.manifest;
    let mut out = String::new();
    let whose = match result.whose {
        Whose::Yours => style.bold("yours"),
        Whose::Reference => style.bold("reference"),
    };
    let _ = writeln!(
        out,
        "\n{}  code: {whose}  servers: {}  {:.1} s",
        style.bold(&manifest.folder()),
        result.provider,
        result.took.as_secs_f64()
    );
    if let Some(broken) = &result.broken {
        let _ = write!(out, "\n{}\n\n{}\n", style.red("It cannot be built:"), broken.first);
        if broken.more > 0 {
            let _ = writeln!(out, "\n({} more, which often go with the first)", broken.more);
        }
        let _ = writeln!(out, "\nNext: mend it, then ./lab test {}", manifest.short());
        return out;
    }
    let rows: Vec<Row<'_>> = manifest.tasks.iter().map(|task| row(task, result, before)).collect();
    let width = rows.iter().map(|row| row.task.title.chars().count()).max().unwrap_or(0);
    let shown = |row: &&Row<'_>| !result.filtered && result.stopped_at.is_none_or(|task| task == row.task.number);
    for row in rows.iter().filter(shown) {
        let all = row.task.tests.len();
        let (sign, word) = match (row.passed == all, row.unbuilt) {
            (true, _) => (style.green("✓"), String::new()),
            (false, true) => (style.dim("·"), style.dim("  not built yet")),
            (false, false) if row.passed + row.held_back == all => {
                let why = match result.no_servers {
                    Some(_) => "and there are none",
                    None => "when the others pass",
                };
                let word = format!("  {} on servers, {why}", row.held_back);
                (style.dim("…"), style.dim(&word))
            }
            (false, false) => {
                let word = match row.held_back {
                    0 => String::new(),
                    count => style.dim(&format!("  {count} on servers not run")),
                };
                (style.red("✗"), word)
            }
        };
        let title = format!("{:width$}", row.task.title);
        let _ = writeln!(
            out,
            "  {sign} {} {title}  {:>2} of {all}{word}",
            row.task.number, row.passed
        );
    }
    others(&mut out, result, style);
    if let Some(why) = &result.no_servers {
        let _ = write!(
            out,
            "\n{} {why}\n{} could not run.\n",
            style.red("The servers cannot be had:"),
            tests(rows.iter().filter(|row| !row.unbuilt).map(|row| row.held_back).sum())
        );
    }
    let first = first_red(result, before);
    if let Some(ran) = first {
        out.push_str(&failure(lab, ran, before, style));
        red_as_well(&mut out, result, before, ran, style);
    }
    closing(&mut out, result, before, after, first, style);
    out
}

fn row<'a>(task: &'a Task, result: &Attempt, before: &Standing) -> Row<'a> {
    Row {
        task,
        passed: result
            .ran
            .iter()
            .filter(|ran| ran.passed() && task.tests.contains(&ran.name))
            .count(),
        unbuilt: result.whose == Whose::Yours && !before.built(task.number),
        held_back: result.held_back.iter().filter(|name| task.tests.contains(name)).count(),
    }
}

/// Tests that belong to no task: the lab's, and the reader's own.
fn others(out: &mut String, result: &Attempt, style: Style) {
    for (mine, title) in [(false, "the other tests"), (true, "your own, tests/mine.rs")] {
        let own: Vec<&Ran> = result
            .ran
            .iter()
            .filter(|ran| {
                (ran.name.program == "mine") == mine && (result.filtered || mine || ran.name.task().is_none())
            })
            .collect();
        if own.is_empty() {
            continue;
        }
        let passed = own.iter().filter(|ran| ran.passed()).count();
        let sign = if passed == own.len() {
            style.green("✓")
        } else {
            style.red("✗")
        };
        let title = if result.filtered && !mine {
            "the tests with that name"
        } else {
            title
        };
        let waiting = result.held_back.iter().filter(|name| name.task().is_none()).count();
        let word = match mine || result.filtered || waiting == 0 {
            true => String::new(),
            false => style.dim(&format!("  {waiting} on servers not run")),
        };
        let _ = writeln!(out, "  {sign} {title}: {passed} of {}{word}", own.len());
    }
}

/// The others that are red, by name: whoever mends one thing wants to know of what else it may be. Of what is not built yet none.
fn red_as_well(out: &mut String, result: &Attempt, before: &Standing, first: &Ran, style: Style) {
    const SHOWN: usize = 5;
    let built = |ran: &&Ran| result.whose == Whose::Reference || ran.name.task().is_none_or(|task| before.built(task));
    let others = result.ran.iter().filter(|ran| !ran.passed() && ran.name != first.name);
    let others: Vec<&Ran> = others.filter(built).collect();
    for ran in others.iter().take(SHOWN) {
        let (how, place) = (ran.outcome.how(), ran.words.place.as_deref().unwrap_or_default());
        let why = if how.is_empty() { place } else { &how };
        let _ = writeln!(out, "{} {}  {}", style.dim("Red as well:"), ran.name, style.dim(why));
    }
    if let Some(more @ 1..) = others.len().checked_sub(SHOWN) {
        let _ = writeln!(out, "{}", style.dim(&format!("and {more} more")));
    }
}

/// The first test to look at: of what is built before what is not, in the order in which they were run.
pub(crate) fn first_red<'a>(result: &'a Attempt, before: &Standing) -> Option<&'a Ran> {
    let place = |ran: &Ran| {
        before
            .lab
            .manifest
            .tasks
            .iter()
            .flat_map(|task| &task.tests)
            .position(|name| *name == ran.name)
    };
    let red = || result.ran.iter().filter(|ran| !ran.passed());
    let built = |ran: &&Ran| match (result.whose, ran.name.task()) {
        (Whose::Yours, Some(task)) => before.built(task),
        _ => true,
    };
    let in_order = |a: &&Ran, b: &&Ran| place(a).unwrap_or(usize::MAX).cmp(&place(b).unwrap_or(usize::MAX));
    red().filter(built).min_by(in_order).or_else(|| red().min_by(in_order))
}

/// A red test with its message, and where to build what it wants.
pub(crate) fn failure(lab: &Lab, ran: &Ran, standing: &Standing, style: Style) -> String {
    let mut out = String::new();
    if ran.passed() {
        return out;
    }
    let how = ran.outcome.how();
    let place = ran.words.place.as_deref().unwrap_or_default();
    let _ = writeln!(
        out,
        "\n{} {}  {}",
        style.red("Look at"),
        style.bold(&ran.name.to_string()),
        style.dim(place)
    );
    if !how.is_empty() {
        let _ = writeln!(out, "    {how}");
    }
    if !matches!(ran.outcome, Outcome::Unbuilt(_)) {
        let lines: Vec<&str> = ran.words.text.lines().collect();
        for line in lines.iter().take(LINES) {
            let _ = writeln!(out, "    {}", shortened(line));
        }
        if lines.len() > LINES {
            let program = &ran.name.program;
            let folder = lab.manifest.folder();
            let _ = writeln!(
                out,
                "    … {} more lines: cargo test --release -p lab -p lab-{folder} --test {program} {}",
                lines.len() - LINES,
                ran.name.test
            );
        }
    }
    if let Some(task) = ran.name.task().or(match ran.outcome {
        Outcome::Unbuilt(task) => Some(task),
        _ => None,
    }) {
        let places = standing.places(task);
        if !places.is_empty() {
            let _ = writeln!(out, "    to be built: {}", places.join("\n                 "));
        }
    }
    out
}

fn closing(out: &mut String, result: &Attempt, before: &Standing, after: &Standing, first: Option<&Ran>, style: Style) {
    let manifest = &after.lab.manifest;
    let short = manifest.short();
    if result.whose == Whose::Reference || result.filtered {
        let passed = result.ran.iter().filter(|ran| ran.passed()).count();
        let _ = writeln!(out, "\n{passed} of {} passed.", tests(result.ran.len()));
        if result.whose == Whose::Yours {
            let _ = writeln!(
                out,
                "A choice of tests is not counted as progress. Next: ./lab test {short}"
            );
        }
        return;
    }
    for task in manifest
        .tasks
        .iter()
        .filter(|task| after.passed(task.number) && !before.passed(task.number))
    {
        let _ = writeln!(
            out,
            "\n{} {}",
            style.green(&format!("Task {} is built:", task.number)),
            task.title
        );
        if let Some((question, answer)) = &task.predict {
            let _ = write!(out, "{}  →\n{}", paragraphs(question, "  "), paragraphs(answer, "    "));
        }
        let _ = writeln!(
            out,
            "  ./lab reveal {short} {}   how the reference does it",
            task.number
        );
    }
    if let Some(task) = result.stopped_at {
        let _ = writeln!(
            out,
            "\nThe other tests are run when those of task {task} pass. Next: ./lab hint {short}"
        );
        return;
    }
    let of_tasks = |ran: &&Ran| ran.passed() && ran.name.task().is_some() && ran.name.program != "mine";
    let passed = result.ran.iter().filter(of_tasks).count();
    let _ = writeln!(
        out,
        "\n{passed} of the {} tests of the tasks pass.",
        manifest.declared()
    );
    let of_no_task = first.is_some_and(|ran| ran.name.task().is_none() || ran.name.program == "mine");
    match after.next() {
        Some(_) if result.no_servers.is_some() && first.is_none() => {
            let _ = writeln!(out, "Next: ./lab doctor   which says what this machine lacks");
        }
        Some(_) if of_no_task => {
            let _ = writeln!(
                out,
                "Next: mend the test above, or what it tests; then ./lab test {short}"
            );
        }
        Some(task) => {
            let what = match (first, after.places(task.number).first()) {
                (Some(ran), _) if ran.name.task() == Some(task.number) && after.built(task.number) => {
                    format!("./lab hint {short}")
                }
                (_, Some(place)) => format!("task {}, {}; ./lab hint {short} when you are stuck", task.number, place),
                _ => format!("./lab hint {short}"),
            };
            let _ = writeln!(out, "Next: {what}");
        }
        None if !result.green() || !result.whole(&after.lab) => {
            let _ = writeln!(
                out,
                "Every task passes, and something else is red. Next: ./lab test {short}"
            );
        }
        None => {
            let _ = writeln!(out, "{}", style.green(&format!("Lab {short} is built.")));
            if after.bonus_open() {
                let _ = writeln!(
                    out,
                    "Bonus: a test of your own, see labs/{}/README.md; ./lab test {short} --bonus",
                    manifest.folder()
                );
            }
            let _ = writeln!(out, "Next: {}", manifest.at_the_end());
        }
    }
}

/// A line that is no longer than a person reads: two logs of a thousand numbers, compared, are one line.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(COLUMNS) {
        Some((at, _)) => format!("{} … ({} more characters)", &line[..at], line[at..].chars().count()),
        None => line.to_owned(),
    }
}

fn tests(count: usize) -> String {
    crate::text::plural(count as u64, "test", "tests")
}

/// Which tests run now, on a terminal's last line; without a terminal nothing.
pub(crate) struct Running {
    bar: indicatif::ProgressBar,
    now: std::cell::RefCell<Vec<String>>,
}

impl Running {
    pub(crate) fn new(lab: &Lab) -> Self {
        let bar = crate::bar::spinner();
        if bar.is_hidden() {
            crate::note(&format!("building and running the tests of {}", lab.manifest.folder()));
        }
        bar.set_message(format!("building {}", lab.manifest.folder()));
        Self {
            bar,
            now: std::cell::RefCell::default(),
        }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        let mut now = self.now.borrow_mut();
        match event {
            Event::Begins(name) => now.push(name.to_string()),
            Event::Ended(ran) => {
                let name = ran.name.to_string();
                now.retain(|each| *each != name);
            }
        }
        self.bar.set_message(now.join("  "));
    }

    pub(crate) fn over(&self) {
        self.bar.finish_and_clear();
    }
}
