//! The command line: what can be asked, with an example for each.

mod args;
mod words;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use stack::Provider;

use crate::values::brokers;

pub(crate) use args::DEFAULT_STACK;
pub use args::{BenchArgs, Questions, RecordArgs, RehearseArgs, SoakArgs, TestArgs, UpArgs, UpbitArgs, WorkerArgs};
pub use words::{Acks, From, Source, Subject};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Yellow.on_default());

/// Upbit trades over a WebSocket into Kafka, through event-time windows, into ClickHouse; and an audit that says what
/// became of every trade.
#[derive(Debug, Parser)]
#[command(
    name = "lab",
    bin_name = "./lab",
    version,
    about,
    styles = STYLES,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "First:  ./lab up      the whole pipeline, live, for a minute\n\
                  Then:   ./lab start 05   a lab: a part of it that you build\n\
                  Also:   ./lab test    every test, on the reference code\n\n\
                  Downloads and results are kept in $TICKBOOK_HOME (by default ~/.cache/tickbook)."
)]
pub struct Cli {
    /// Answer yes to every question
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the whole pipeline, shows it live, ends with an audit
    #[command(after_help = "Examples:\n  \
        ./lab up                                     one minute at 2,000 trades/s\n  \
        ./lab up --rate max --workers 2              as fast as it goes\n  \
        ./lab up --fault worker-kill@20s             kill a worker at second 20, see nothing lost\n  \
        ./lab up --stack containers --brokers 3      the same in containers, on three brokers\n  \
        ./lab up --source capture                    replay a recording, the project's or --capture FILE\n  \
        ./lab up --mine 05,08                        with your producer and your watermarks\n  \
        ./lab up --fault list                        the faults there are\n\n\
        Ctrl-C (or q) drains and audits; a second one stops at once.\n\
        Ends with 0 for PASS, 1 for FAIL, 2 when the run proved nothing.")]
    Up(Box<UpArgs>),
    /// Runs the pipeline under faults that a seed draws, and audits it every minute
    #[command(after_help = "Examples:\n  \
        ./lab soak                                       half an hour, three brokers, a seed of its own\n  \
        ./lab soak --for 5m --seed 7                     the same faults at the same moments each time\n  \
        ./lab soak --faults worker-kill,clickhouse-kill  these two and no others\n  \
        ./lab soak -- --rate 10000 --workers 2           with more arguments of up\n\n\
        For each audit the exchange pauses until all that it sent has arrived. Ctrl-C ends the soak with a last audit.\n\
        Ends with 0 when every audit said PASS, 1 when one said FAIL, 2 otherwise.")]
    Soak(SoakArgs),
    /// Joins the run that goes on with one more worker, until Ctrl-C
    #[command(after_help = "Example, in a second terminal while ./lab up runs:\n  ./lab worker")]
    Worker(WorkerArgs),
    /// Records raw frames as a capture that `up --source capture` replays
    #[command(after_help = "Examples:\n  \
        ./lab record --for 5m day.capture.jsonl                     from Upbit\n  \
        ./lab record --from exchange --rate 500 toy.capture.jsonl   from this project's own exchange\n  \
        ./lab record --import foreign.jsonl day.capture.jsonl       from a recording in another format")]
    Record(RecordArgs),
    /// Shows the labs, and how far you are in each
    List,
    /// Shows what to build now, and where
    Next {
        /// Number or name of a lab; by default the one that you have begun
        lab: Option<String>,
    },
    /// Begins a lab: how many red tests to expect, its tasks, where to start
    #[command(after_help = "Example:\n  ./lab start 05")]
    Start {
        /// Number or name of a lab
        lab: String,
    },
    /// Runs a lab's tests at each save; keys for hint, next, test, bench and quit
    #[command(after_help = "Example:\n  ./lab watch 05\n\n\
        The tests of the task that you are at come first; when they pass, all others are run, too.")]
    Watch {
        /// Number or name of a lab
        lab: String,
        /// Where the servers come from: local, containers, external or auto
        #[arg(long, env = "LAB_STACK")]
        stack: Option<Provider>,
    },
    /// Shows the next of three hints for a task; each is nearer to the code
    #[command(
        after_help = "Examples:\n  ./lab hint 05             for the task that you are at\n  \
        ./lab hint 05 3           for task 3\n  ./lab hint 05 3 --again   those that you have seen, and no more"
    )]
    Hint {
        /// Number or name of a lab
        lab: String,
        /// Number of a task; by default the first that does not pass
        #[arg(value_name = "TASK")]
        task: Option<u8>,
        /// Only the hints that were shown before
        #[arg(long)]
        again: bool,
    },
    /// Shows how the reference does a task, once your tests pass
    #[command(
        after_help = "Examples:\n  ./lab reveal 05 3\n  ./lab reveal 05 3 --give-up   before they pass; this is remembered"
    )]
    Reveal {
        /// Number or name of a lab
        lab: String,
        /// Number of a task
        #[arg(value_name = "TASK")]
        task: u8,
        /// Also before its tests pass; this is remembered
        #[arg(long)]
        give_up: bool,
    },
    /// Shows what you have done in each lab: tasks, hints, what was revealed, the last verdict
    Status {
        /// Number or name of a lab; by default all
        lab: Option<String>,
    },
    /// Runs the tests: of everything on the reference, of a lab on your crate, of other parts by number or name
    #[command(after_help = "Examples:\n  \
        ./lab test              everything, on the reference\n  \
        ./lab test 05           lab 05, on your crate\n  \
        ./lab test 05 --reference                        the same tests on solutions/05-acks\n  \
        ./lab test 05 -- linger                          only the tests with `linger` in their name\n  \
        ./lab test 05 --bonus   your tests/mine.rs against the mistake of the bonus\n  \
        ./lab test 07 sink      solutions/07-windows and solutions/10-sink\n  \
        ./lab test --jobs 1     everything, one test program after the other\n  \
        ./lab test --brokers 3 06                        on three brokers\n  \
        ./lab test --stack containers --program crash    every part's tests/crash.rs, on containers")]
    Test {
        /// Of what, and where
        #[command(flatten)]
        what: TestArgs,
        /// Only the test programs of this name, every part's or, as in sink/crash, one's: compiles nothing anew, as some
        /// parts alone may
        #[arg(long = "program", value_name = "[PART/]NAME", conflicts_with = "parts")]
        programs: Vec<String>,
        /// Kafka brokers of the servers that the tests share: 1, or 3 with a controller beside them; by default 1, or as
        /// many as external servers have
        #[arg(long, value_parser = brokers)]
        brokers: Option<u8>,
        /// Test programs at a time; by default 2, each one's words shown when it ends, where everything is tested, and 1,
        /// which shows words as they come, where something is named and for external servers
        #[arg(long, short, value_name = "N")]
        jobs: Option<u8>,
        /// The solutions, also of parts that have a lab
        #[arg(long)]
        reference: bool,
        /// Holds your own tests of one lab against the mistake that its README tells of
        #[arg(long, conflicts_with_all = ["reference", "programs"])]
        bonus: bool,
    },
    /// Writes down what you expect of a lab's experiments, before you measure them
    #[command(after_help = "Examples:\n  \
        ./lab predict 05                             asks for each experiment in turn\n  \
        ./lab predict 05 acks-cost 12ms --factor 3   nine tenths sure that it lies between 4 ms and 36 ms")]
    Predict {
        /// Number or name of a lab
        lab: String,
        /// Of this experiment alone
        experiment: Option<String>,
        /// Your number
        #[arg(value_name = "NUMBER", allow_hyphen_values = true)]
        value: Option<String>,
        /// You are nine tenths sure that it lies between NUMBER / FACTOR and NUMBER × FACTOR [default: 2]
        #[arg(long)]
        factor: Option<f64>,
    },
    /// Shows how well your predictions hold, over time
    Score,
    /// Measures: the experiments of a lab, the benches of other parts, or the pipeline
    #[command(after_help = "Examples:\n  \
        ./lab bench 05                        lab 05's experiments: your crate once it is built, else the reference\n  \
        ./lab bench 05 --quick                a first answer of each, within a minute\n  \
        ./lab bench 05 --only acks-cost       one of them\n  \
        ./lab bench 02                        the benches of solutions/02-wire\n  \
        ./lab bench pipeline                  every stage beside its floor, then the whole: about 12 minutes\n  \
        ./lab bench pipeline -- --workers 2   one run of ./lab up --rate max, with more of its arguments\n  \
        ./lab bench pipeline --reference      longer, and into book/src/reference/performance.md")]
    Bench(BenchArgs),
    /// Shows the book, with your numbers in it, on this machine; loads again when something has changed
    #[command(after_help = "Examples:\n  \
        ./lab book                  prints the address; q or Ctrl-C ends it\n  \
        ./lab book --open           opens it in a browser\n  \
        ./lab book --build          writes the site into target/book, and checks all its links")]
    Book {
        /// Write the site and end
        #[arg(long, conflicts_with_all = ["port", "open"])]
        build: bool,
        /// The port of 127.0.0.1; by default a free one
        #[arg(long)]
        port: Option<u16>,
        /// Open it in a browser
        #[arg(long)]
        open: bool,
    },
    /// What mdbook runs
    #[command(hide = true)]
    BookPreprocessor {
        /// `supports RENDERER`, or nothing
        words: Vec<String>,
    },
    /// Asks the interview's questions: you answer, score yourself, and are asked again when it is due
    #[command(after_help = "Examples:\n  \
        ./lab rehearse                      what is due, then what is new, for 20 minutes\n  \
        ./lab rehearse --chapter 05         of one chapter\n  \
        ./lab rehearse --mock --minutes 30  an interview: all chapters, no answers in between, scored at the end\n  \
        ./lab rehearse --lang ko            in Korean\n  \
        ./lab rehearse --plain < answers    in lines, as for a script\n\n\
        What you answer and how you score it stays in .lab/rehearsal. Ctrl-C ends; what was done is kept.")]
    Rehearse(RehearseArgs),
    /// Writes what you have built, predicted, measured and rehearsed as one HTML page, to be shown
    #[command(after_help = "Examples:\n  \
        ./lab portfolio                          writes .lab/portfolio.html\n  \
        ./lab portfolio --out me.html --open     to another file, and opens it in a browser\n  \
        ./lab portfolio --name \"Kim Minji\"      with this name on it; --name '' leaves it out\n\n\
        A page that was written before is replaced. A file that is none of these pages stays as it is.")]
    Portfolio {
        /// The file to write [default: .lab/portfolio.html of the checkout]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Your name, as it is to stand on it; by default git's user.name
        #[arg(long)]
        name: Option<String>,
        /// Open it in a browser
        #[arg(long)]
        open: bool,
    },
    /// For authors: writes labs/ from solutions/ by the task markers
    #[command(after_help = "Examples:\n  ./lab generate\n  ./lab generate 05")]
    Generate {
        /// Numbers or names of labs; by default all
        labs: Vec<String>,
    },
    /// For authors: whether every lab still fits (generated, red as declared, reference green, mutants killed, names exist), and
    /// the book: what of the guide it treats, and whether that is there
    #[command(
        after_help = "Examples:\n  ./lab check        every lab, and the book\n  ./lab check 05     one\n  ./lab check book   the book\n\n\
        Works in a copy below target/check; your tree is not touched. Ends with 0 when every gate holds, else with 1."
    )]
    Check {
        /// Numbers or names of labs, or `book`; by default all
        labs: Vec<String>,
        /// Where the servers come from: local, containers, external or auto
        #[arg(long, env = "LAB_STACK")]
        stack: Option<Provider>,
    },
    /// For authors: the question bank
    #[command(
        subcommand,
        hide = true,
        after_help = "Examples:\n  ./lab questions check\n  ./lab questions synced acks-all-or-one"
    )]
    Questions(Questions),
    /// Shows the last run's report again
    #[command(
        after_help = "Examples:\n  ./lab audit\n  ./lab audit --json | jq .latency_ms.p99\n\n\
        Ends with 0 for PASS, 1 for FAIL, 2 when the run proved nothing."
    )]
    Audit {
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Puts a lab back to what the workbook ships, after a backup of all that is there
    #[command(after_help = "Examples:\n  \
        ./lab reset 05          labs/05-acks as it was at first; tests/mine.rs stays\n  \
        ./lab reset 05 --all    tests/mine.rs too")]
    Reset {
        /// Number or name of a lab: 05, acks, 05-acks
        lab: String,
        /// Your own tests too: tests/mine.rs
        #[arg(long)]
        all: bool,
    },
    /// Brings a newer workbook, and merges it with what you wrote in labs
    Update,
    /// Removes what runs left behind; with --all the downloads too
    Clean {
        /// The downloaded servers too: the next start fetches them again
        #[arg(long)]
        all: bool,
    },
    /// Says what this machine has, what it lacks, and the command that cures it
    Doctor,
    /// Gets the images that --stack containers and docker-compose.yml need: pulled, or built where there is no registry
    Images,
    /// Holds the windows or the partitioner against a file of cases
    #[command(after_help = "Examples:\n  ./lab conformance windows window-cases.jsonl\n  \
        ./lab conformance partitioner partitioner-vectors.jsonl\n  \
        ./lab conformance windows window-cases.jsonl --mine 07      your windows against the cases")]
    Conformance {
        /// What is tested
        subject: Subject,
        /// The cases, one JSON object per line
        file: PathBuf,
        /// With your own code of these labs, by number or name: 04,07
        #[arg(long, value_name = "LABS", value_delimiter = ',')]
        mine: Vec<String>,
    },
}

impl Command {
    /// Whether it has cargo build something, which reads every member of the workspace.
    pub(crate) fn builds(&self) -> bool {
        matches!(
            self,
            Self::Up(_) | Self::Soak(_) | Self::Start { .. } | Self::Watch { .. } | Self::Test { .. } | Self::Bench(_)
        )
    }

    /// Whether it reads or builds what an update that is half-way has in its hands.
    pub(crate) fn touches_labs(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Watch { .. } | Self::Generate { .. } | Self::Check { .. } => true,
            Self::Test { what, reference, .. } => !reference && !what.parts.is_empty(),
            Self::Up(args) => !args.mine.is_empty(),
            Self::Conformance { mine, .. } => !mine.is_empty(),
            Self::Soak(args) => args.rest.iter().any(|word| word.starts_with("--mine")),
            Self::Bench(args) => !args.what.parts.is_empty(),
            _ => false,
        }
    }
}

/// What `up` takes, from words as they would stand behind it.
///
/// # Errors
/// What `up` refuses, in a sentence.
pub(crate) fn up_with(words: &[String]) -> anyhow::Result<UpArgs> {
    let words = ["lab", "up"].into_iter().chain(words.iter().map(String::as_str));
    let parsed = Cli::try_parse_from(words)
        .map_err(|error| anyhow::anyhow!(crate::refusal::sentence(&error).unwrap_or(error.to_string())))?;
    let Command::Up(up) = parsed.command else {
        anyhow::bail!("what stands behind -- goes to ./lab up; ./lab up --help shows what it takes");
    };
    Ok(*up)
}

#[cfg(test)]
mod tests;
