//! What a run is to be, checked before anything starts: what cannot go well is refused at once.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{bail, ensure};
use exchange::Exchange;
use stack::{Stack, StackSpec};

use super::room;
use crate::cargo;
use crate::cli::{Source, UpArgs};
use crate::faults::{self, Draw, Fault};
use crate::mine::{self, Mine};
use crate::text;
use crate::values::{Markets, Rate};

/// What `up` does by default.
const RATE: Rate = Rate::PerSecond(2_000.0);

/// The recording that comes with the project, made by its own exchange.
const SMALL_CAPTURE: &str = "harness/exchange/captures/small.capture.jsonl";

/// What a run at full speed is taken for when disk is reckoned, trades per second.
const FULL_SPEED: f64 = 350_000.0;

/// A run that goes on for ever is checked for so long.
const EVER: Duration = Duration::from_secs(600);

/// What a trade takes on disk, bytes: journal and tables; the audit's scratch is beside it. Measured at full speed as JSON: 51,
/// and 13 when all is merged, of which some copies exist while it is.
const BYTES_PER_TRADE: u64 = 64 + 60;

/// What it takes in the topic, bytes, at each broker that has a copy. Measured likewise: 131.
const BYTES_PER_RECORD: u64 = 180;

/// What servers and logs take before the first trade, bytes.
const BYTES_AT_REST: u64 = 500_000_000;

/// A run to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// As asked.
    pub(crate) args: UpArgs,
    /// The labs whose code runs instead of the reference.
    pub(crate) mine: Vec<Mine>,
    /// Faults in the order in which they strike.
    pub(crate) faults: Vec<(Fault, Duration)>,
    /// Where the faults of later rounds come from, in a soak without an end.
    pub(crate) draw: Option<Draw>,
    /// When it ends.
    pub(crate) limit: Option<Duration>,
    /// After how long it is audited, again and again, if it is a soak.
    pub(crate) round: Option<Duration>,
    /// Whether it is asked what the servers use.
    pub(crate) measured: bool,
    /// Whether a run that passes says no more than that it goes on: whoever asked makes a table of it.
    pub(crate) brief: bool,
    /// Where the run keeps what outlives it.
    pub(crate) home: PathBuf,
    /// When it was asked for.
    pub(crate) began: SystemTime,
    /// When it was asked for.
    pub(crate) asked: Instant,
}

impl Plan {
    /// Checks what was asked.
    ///
    /// # Errors
    /// The first thing that cannot go well, as a sentence that says what to do.
    pub(crate) fn new(mut args: UpArgs) -> anyhow::Result<Self> {
        let limit = args.length.limit();
        let faults = faults::in_order(&args.faults, limit)?;
        // Before a build, though the stack would refuse it too: some minutes later.
        Stack::check(&StackSpec {
            provider: args.stack,
            brokers: args.brokers,
            ..StackSpec::default()
        })?;
        let mine = mine::find(&args.mine, &cargo::root())?;
        match args.source {
            Source::Capture => {
                let file = args.capture.get_or_insert_with(|| cargo::root().join(SMALL_CAPTURE));
                ensure!(
                    file.is_file(),
                    "there is no capture {}; ./lab record FILE makes one",
                    file.display()
                );
            }
            _ => ensure!(args.capture.is_none(), "--capture needs --source capture beside it"),
        }
        if args.source != Source::Upbit {
            ensure!(
                args.upbit.is_default(),
                "--upbit-host and --ca-cert go with --source upbit"
            );
            ensure!(
                matches!(args.markets, Markets::Count(_)),
                "--markets with codes goes with --source upbit; the generator takes a number, such as --markets 120"
            );
        }
        if args.source == Source::Upbit {
            ensure!(
                args.rate.is_none(),
                "--rate does not go with --source upbit: the exchange sends what is traded"
            );
            if let Some((fault, _)) = faults.iter().find(|(fault, _)| fault.needs_our_exchange()) {
                bail!(
                    "{} needs the project's own exchange: use --source generate or capture",
                    fault.name()
                );
            }
        }
        if let Some((fault, _)) = faults.iter().find(|(fault, _)| fault.needs_three_brokers())
            && args.brokers < 3
        {
            bail!("{} needs brokers beside the controller: add --brokers 3", fault.name());
        }
        let plan = Self {
            args,
            mine,
            faults,
            draw: None,
            limit,
            round: None,
            measured: false,
            brief: false,
            home: stack::provision::home(),
            began: SystemTime::now(),
            asked: Instant::now(),
        };
        if plan.args.source != Source::Upbit {
            Exchange::check(&plan.exchange_source()?)?;
        }
        Ok(plan)
    }

    /// The same run as a soak: audited after each `round`, hurt by faults that the seed draws from `kinds`.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(crate) fn soak(args: UpArgs, round: Duration, kinds: &[Fault]) -> anyhow::Result<Self> {
        let mut plan = Self::new(args)?;
        let mut draw = Draw::new(plan.args.seed, round, kinds);
        match plan.limit {
            Some(limit) => {
                plan.faults = draw.until(limit);
                plan.faults.retain(|(_, at)| *at < limit);
            }
            None => plan.draw = Some(draw),
        }
        plan.round = Some(round);
        Ok(plan)
    }

    /// What the project's own exchange is to send.
    ///
    /// # Errors
    /// There is no such exchange in a run against the real one.
    pub(crate) fn exchange_source(&self) -> anyhow::Result<exchange::Source> {
        let args = &self.args;
        let rate = |rate| match rate {
            Rate::PerSecond(rate) => exchange::Rate::PerSecond(rate),
            Rate::Max => exchange::Rate::Max,
        };
        Ok(match (args.source, &args.markets, &args.capture, self.rate()) {
            (Source::Generate, Markets::Count(markets), _, Some(pace)) => exchange::Source::Generate {
                seed: args.seed,
                markets: *markets,
                rate: rate(pace),
            },
            (Source::Capture, _, Some(path), pace) => exchange::Source::Capture {
                path: path.clone(),
                rate: pace.map(rate),
                looped: true,
            },
            _ => bail!("this source cannot be run; ./lab up --help shows what can"),
        })
    }

    /// The rate at which the source is run; `None` is a capture's own pace.
    pub(crate) fn rate(&self) -> Option<Rate> {
        match self.args.source {
            Source::Capture => self.args.rate,
            _ => Some(self.args.rate.unwrap_or(RATE)),
        }
    }

    /// How many trades this may come to.
    fn trades(&self) -> u64 {
        let rate = match self.rate() {
            Some(Rate::PerSecond(rate)) => rate,
            Some(Rate::Max) => FULL_SPEED,
            // A recording's own pace; that of the real exchange is taken for the default.
            None => 1_000.0,
        };
        (rate * self.limit.unwrap_or(EVER).as_secs_f64()) as u64
    }

    /// What it may need on the disk, bytes.
    fn disk_needed(&self) -> u64 {
        let trades = self.trades();
        // Each broker has a copy of every partition.
        let per_trade = BYTES_PER_TRADE + BYTES_PER_RECORD * u64::from(self.args.brokers.max(1));
        BYTES_AT_REST
            .saturating_add(trades.saturating_mul(per_trade))
            .saturating_add(ledger::disk_needed(trades))
    }

    /// Whether the disk below `home` has room for the run and its audit.
    ///
    /// # Errors
    /// It has not, or the folder cannot be written to.
    pub(crate) fn check_disk(&self) -> anyhow::Result<()> {
        let runs = self.home.join("runs");
        // Both, though one is in the other: it may be a disk of its own.
        room::writable(&self.home)?;
        room::writable(&runs)?;
        let needed = self.disk_needed();
        let free = room::free_bytes(&runs)?;
        ensure!(
            free > needed,
            "this run may need {} of disk and {} has {}; shorten it with --for, slow it down with --rate, or set \
             TICKBOOK_HOME to a larger disk",
            text::bytes(needed),
            runs.display(),
            text::bytes(free)
        );
        Ok(())
    }

    /// Whose code runs.
    pub(crate) fn whose(&self) -> String {
        ledger::whose(&mine::folders(&self.mine))
    }

    /// What runs, in a line.
    pub(crate) fn title(&self, markets: usize) -> String {
        let pace = match (self.args.source, self.rate()) {
            (Source::Upbit, _) => "as traded".into(),
            (_, Some(rate)) => rate.to_string(),
            (_, None) => "recorded pace".into(),
        };
        let markets = text::plural(markets as u64, "market", "markets");
        format!(
            "{} · {markets} · {pace} · {}",
            self.args.source.name(),
            self.args.encoding
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn plan(args: &str) -> anyhow::Result<Plan> {
        let words = ["lab", "up"].into_iter().chain(args.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Command::Up(args) => Plan::new(*args),
            other => bail!("{other:?} is not up"),
        }
    }

    #[test]
    fn every_broker_has_its_copy_on_the_disk() {
        let needed = |args: &str| plan(args).expect("it can go well").disk_needed();
        let one = needed("--rate 100000 --for 100s");
        assert_eq!(
            needed("--rate 100000 --for 100s --brokers 3") - one,
            10_000_000 * 2 * BYTES_PER_RECORD
        );
    }

    #[test]
    fn what_cannot_go_well_is_refused_before_anything_starts() {
        let refused = |args: &str| plan(args).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            refused("--source capture --capture /no/such.jsonl"),
            "there is no capture /no/such.jsonl; ./lab record FILE makes one"
        );
        assert_eq!(
            refused("--ca-cert x.pem"),
            "--upbit-host and --ca-cert go with --source upbit"
        );
        assert_eq!(refused("--capture x"), "--capture needs --source capture beside it");
        assert_eq!(
            refused("--source upbit --fault garbage@3s"),
            "garbage needs the project's own exchange: use --source generate or capture"
        );
        assert_eq!(
            refused("--markets KRW-BTC"),
            "--markets with codes goes with --source upbit; the generator takes a number, such as --markets 120"
        );
        assert!(
            refused("--fault garbage@60s").starts_with("garbage is to strike after 60s, when a run of 60s is over")
        );
        assert!(plan("--for ever --fault garbage@60s").is_ok());
        assert!(
            plan("--source capture").is_ok(),
            "the project's own capture is not where it was"
        );
    }

    #[test]
    fn a_soak_without_an_end_has_the_faults_of_one_with_an_end_and_goes_on_to_draw() {
        let minute = Duration::from_secs(60);
        let soak = |length: &str| {
            let args = plan(length).unwrap().args;
            Plan::soak(args, minute, &Fault::ALL).unwrap()
        };
        let (hour, ever) = (soak("--for 1h --seed 7"), soak("--for ever --seed 7"));
        assert!(hour.draw.is_none());
        let mut draw = ever.draw.unwrap();
        assert_eq!(draw.until(60 * minute), hour.faults);
        assert!(!draw.until(61 * minute).is_empty());
    }

    #[test]
    fn the_disk_that_a_run_needs_is_checked() {
        for most in ["--rate 1000000 --for 1000h", "--rate 1e9 --for 2000h"] {
            let refused = plan(most).unwrap().check_disk().unwrap_err().to_string();
            assert!(
                refused.contains("set TICKBOOK_HOME to a larger disk"),
                "{most}: {refused}"
            );
        }
    }

    #[test]
    fn the_title_says_what_runs() {
        assert_eq!(plan("").unwrap().title(120), "generate · 120 markets · 2,000/s · json");
        assert_eq!(
            plan("--rate max --encoding protobuf").unwrap().title(1),
            "generate · 1 market · full speed · protobuf"
        );
    }
}
