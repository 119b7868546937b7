//! A run from its first trade to the last row: what is shown, the faults, the supervisor, the drain.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ledger::FaultOutcome;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use super::drain::{Drain, Order};
use super::joined::Joined;
use super::offsets::Offsets;
use super::pace::Pace;
use super::plan::Plan;
use super::room;
use super::rounds::Round;
use super::setup::Ready;
use super::stop::Stop;
use crate::faults::{Ctx, Draw, Fault, Turns, strike};
use crate::note;
use crate::text;
use crate::view::{self, Chart, Event, FaultState, Screen};

mod gaps;
mod shown;

use gaps::Gaps;

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(250);

/// What a run came to, as far as it is known before the audit.
pub(crate) struct Outcome {
    /// From the first trade to the last row.
    pub(crate) duration: Duration,
    /// How the faults went.
    pub(crate) faults: Vec<FaultOutcome>,
    /// Why the pipeline could not go on, as a clause.
    pub(crate) pipeline_failed: Option<String>,
    /// Why the run proves less than it should, as a clause: the exchange of ours could not go on.
    pub(crate) not_drained: Option<String>,
    /// What was audited on the way, in a soak.
    pub(crate) rounds: Vec<Round>,
    /// How many trades were executed and no row yet, second by second while the exchange traded.
    pub(crate) backlog: Vec<(Duration, u64)>,
}

/// Where the run stands.
pub(super) enum Step {
    Running,
    /// What a fault has begun is awaited: a broker that is down, a worker that is frozen.
    Settling,
    /// A round of a soak is over: what its faults have begun is awaited.
    Pausing,
    /// It is audited.
    Checking(JoinHandle<Round>),
    /// The exchange empties its queues.
    Finishing(JoinHandle<()>),
    /// The pipeline empties.
    Draining(Drain),
}

/// A run that goes on.
pub(super) struct Live<'a> {
    pub(super) plan: &'a Plan,
    pub(super) ready: Ready,
    begun: Instant,
    pub(super) step: Step,
    /// When each of the faults is to strike.
    schedule: Vec<(Fault, Duration)>,
    draw: Option<Draw>,
    faults: Vec<view::Fault>,
    pub(super) striking: JoinSet<(usize, anyhow::Result<String>)>,
    ctx: Arc<Ctx>,
    events: Vec<Event>,
    pub(super) joined: Joined,
    pub(super) deaths: Vec<Instant>,
    pub(super) broken: Option<String>,
    pub(super) ingest_gone: Option<Instant>,
    /// When it was asked, and the answer.
    pub(super) undelivered: watch::Sender<Option<(Instant, u64)>>,
    pub(super) asking: Option<JoinHandle<()>>,
    pub(super) offsets: Arc<Offsets>,
    charts: Arc<Mutex<Vec<Chart>>>,
    charting: Option<JoinHandle<()>>,
    looking: Option<JoinHandle<()>>,
    gaps: Gaps,
    pub(super) rounds: Vec<Round>,
    pub(super) backlog: Vec<(Duration, u64)>,
    /// When the round that goes on is over, by [`Pace`].
    pub(super) round_ends: Option<Duration>,
    pub(super) pace: Pace,
    rows: u64,
    last_row: Duration,
    /// Whether an end was wished for: the next wish ends the run at once.
    pub(super) wished: bool,
    plain: bool,
    /// Plain lines so far.
    lines: u32,
}

/// Runs until everything has arrived, or cannot.
pub(crate) async fn live(
    plan: &Plan,
    ready: Ready,
    screen: Option<Screen>,
    stop: &Stop,
) -> anyhow::Result<(Ready, Outcome)> {
    let names = &ready.names;
    let offsets = Offsets::new(
        ready.stack.kafka().bootstrap(),
        &names.group,
        &names.topic,
        plan.args.partitions,
    )?;
    let ctx = Ctx {
        stack: Arc::clone(&ready.stack),
        exchange: ready.exchange.clone(),
        crew: Arc::clone(&ready.crew),
        topic: names.topic.clone(),
        partitions: usize::try_from(plan.args.partitions).unwrap_or(0),
        turns: Turns::default(),
    };
    let live = Live {
        plan,
        begun: Instant::now(),
        step: Step::Running,
        schedule: plan.faults.clone(),
        draw: plan.draw.clone(),
        faults: plan.faults.iter().map(to_come).collect(),
        striking: JoinSet::new(),
        ctx: Arc::new(ctx),
        events: Vec::new(),
        joined: Joined::new(ready.folder.join("joined")),
        deaths: Vec::new(),
        broken: None,
        ingest_gone: None,
        undelivered: watch::Sender::new(None),
        asking: None,
        offsets: Arc::new(offsets),
        charts: Arc::default(),
        charting: None,
        looking: None,
        gaps: Gaps::default(),
        rounds: Vec::new(),
        backlog: Vec::new(),
        round_ends: plan.round,
        pace: Pace::default(),
        rows: 0,
        last_row: Duration::ZERO,
        wished: false,
        plain: screen.is_none(),
        lines: 0,
        ready,
    };
    live.run(screen, stop).await
}

impl Live<'_> {
    async fn run(mut self, mut screen: Option<Screen>, stop: &Stop) -> anyhow::Result<(Ready, Outcome)> {
        if let Some(exchange) = &self.ready.exchange {
            exchange.begin();
        }
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sampled = 0;
        let given_up = loop {
            tokio::select! {
                _ = frame.tick() => {
                    let now = self.begun.elapsed();
                    self.look(now);
                    if now.as_secs() >= sampled {
                        sampled = now.as_secs() + 1;
                        room::check(self.ready.stack.run_dir())?;
                        self.second(now);
                    }
                    if let Some(screen) = &mut screen {
                        // A terminal that is gone says so by a signal too.
                        let _ = screen.show(&self.view(now));
                    }
                    match self.advance(now).await {
                        Order::Done => break None,
                        Order::GiveUp(why) => break Some(why),
                        _ => {}
                    }
                }
                Some(ended) = self.ready.ends.recv() => self.ended(&ended)?,
                Some(struck) = self.striking.join_next() => self.struck(struck),
                () = stop.wished(1), if !self.wished => {
                    self.wished = true;
                    if matches!(self.step, Step::Running | Step::Pausing) {
                        self.step = Step::Settling;
                    }
                }
                _ = pressed(&mut screen) => stop.wish(),
            }
        };
        drop(screen);
        let outcome = Outcome {
            duration: self.last_row,
            faults: self.outcomes(),
            pipeline_failed: self.broken.take().or(given_up),
            not_drained: self.exchange_failed(),
            rounds: self.rounds,
            backlog: self.backlog,
        };
        Ok((self.ready, outcome))
    }

    /// Takes in what is new.
    fn look(&mut self, now: Duration) {
        let mut first = false;
        let ((came, gone), repaired) = {
            let mut board = self.ready.crew.board();
            let moves = self.joined.look(&mut board);
            if board.rows() > self.rows {
                first = self.rows == 0;
                self.rows = board.rows();
                self.last_row = now;
            }
            (moves, self.gaps.see(board.ingest()))
        };
        if first {
            let (trade, command) = (now, self.plan.asked.elapsed());
            let millis = |time: Duration| text::millis(time.as_secs_f64() * 1e3);
            let text = format!(
                "the first trade is a row after {}, {} after the command",
                millis(trade),
                millis(command)
            );
            self.happened(text, false);
        }
        for name in came {
            self.happened(format!("{name} joins from another terminal"), false);
        }
        for name in gone {
            self.happened(format!("{name} has left"), false);
        }
        if let Some(repaired) = repaired {
            self.happened(repaired, false);
        }
        if matches!(self.step, Step::Running) {
            let paced = self.pace.at(now);
            if let Some(draw) = &mut self.draw {
                // The round that goes on, and the next: so that the view shows what comes.
                let more = draw.until(paced + self.plan.round.unwrap_or_default());
                self.faults.extend(more.iter().map(to_come));
                self.schedule.extend(more);
            }
            for (i, (fault, at)) in self.schedule.iter().enumerate() {
                if paced >= *at && self.faults[i].state == FaultState::Waiting {
                    self.faults[i].state = FaultState::Striking;
                    if self.draw.is_some() {
                        self.faults[i].at = now;
                    }
                    let (ctx, fault) = (Arc::clone(&self.ctx), *fault);
                    self.say(&format!("{} strikes", fault.name()));
                    self.striking.spawn(async move { (i, strike(fault, &ctx).await) });
                }
            }
            if self.plan.limit.is_some_and(|limit| now >= limit) {
                self.step = Step::Settling;
            }
            if self.round_ends.is_some_and(|end| paced >= end) && matches!(self.step, Step::Running) {
                self.pace.stop(now);
                self.step = Step::Pausing;
            }
            if let Some(why) = self.exchange_failed() {
                self.happened(format!("{why}: the run ends"), true);
                self.step = Step::Settling;
            }
        }
    }

    fn struck(&mut self, struck: Result<(usize, anyhow::Result<String>), tokio::task::JoinError>) {
        // A panic there is a bug whose message the log has; the fault then stays as one that did not strike.
        let Ok((i, result)) = struck else { return };
        let name = self.faults[i].name.clone();
        self.faults[i].over = self.begun.elapsed();
        self.faults[i].state = match result {
            Ok(what) => {
                self.say(&format!("{name}: {what}"));
                FaultState::Struck(what)
            }
            Err(why) => {
                self.say(&format!("{name} did not strike: {why:#}"));
                FaultState::Missed(format!("{why:#}"))
            }
        };
    }

    pub(super) fn happened(&mut self, text: String, trouble: bool) {
        self.say(&text);
        self.events.push(Event {
            at: self.begun.elapsed(),
            text,
            trouble,
        });
    }

    fn say(&self, what: &str) {
        tracing::info!("{what}");
        if self.plain {
            note(&format!("{}  · {what}", text::clock(self.begun.elapsed())));
        }
    }

    fn exchange_failed(&self) -> Option<String> {
        let exchange = self.ready.exchange.as_ref()?;
        exchange.failure().map(|why| format!("the exchange failed: {why}"))
    }

    fn executed(&self) -> Option<u64> {
        self.ready
            .exchange
            .as_ref()
            .map(|exchange| exchange.counters().executed)
    }

    pub(super) fn outcomes(&self) -> Vec<FaultOutcome> {
        let outcome = |fault: &view::Fault| {
            let (struck, what) = match &fault.state {
                FaultState::Struck(what) => (true, what.clone()),
                FaultState::Missed(why) => (false, why.clone()),
                FaultState::Waiting => (false, "the run ended before its time".into()),
                FaultState::Striking => (false, "the run ended while it was being done".into()),
            };
            FaultOutcome {
                name: fault.name.clone(),
                at_s: fault.at.as_secs_f64(),
                struck,
                what,
            }
        };
        // Those of a soak were drawn for the whole of it, not asked for one by one.
        let due = |fault: &&view::Fault| self.plan.round.is_none() || fault.state != FaultState::Waiting;
        self.faults.iter().filter(due).map(outcome).collect()
    }
}

fn to_come((fault, at): &(Fault, Duration)) -> view::Fault {
    view::Fault {
        name: fault.name().into(),
        at: *at,
        ..view::Fault::default()
    }
}

/// The next key, or never.
async fn pressed(screen: &mut Option<Screen>) -> view::Key {
    match screen {
        Some(screen) => screen.key().await,
        None => std::future::pending().await,
    }
}
