//! A session in lines: for a pipe, a script, or a terminal that cannot be drawn on. Every prompt ends its line.

use std::io::{BufRead, Write};

use super::drill::Moment;
use super::session::{Asked, Keep, Session, Stage, Step};
use super::summary::Row;
use super::{words, wrap};
use crate::bank::Side;
use crate::bank::template::plain;
use crate::text::clock;

/// Columns of the dialogue.
const COLUMNS: usize = 80;

/// Who answers, and where to.
pub(crate) struct Dialogue<'a> {
    pub(crate) input: &'a mut dyn BufRead,
    pub(crate) output: &'a mut dyn Write,
}

/// Why a dialogue ended before its session.
enum Gone {
    /// Nobody answers or listens any more.
    Away,
    /// What must be kept could not be.
    Failed(anyhow::Error),
}

type Told<T = ()> = Result<T, Gone>;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self::Away
    }
}

/// Holds a session to its end, or until the input ends.
///
/// # Errors
/// `keep` failed.
pub(crate) fn drive(
    session: &mut Session,
    mut dialogue: Dialogue<'_>,
    now: &dyn Fn() -> Moment,
    keep: &mut dyn FnMut(&Keep) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while session.stage != Stage::Done {
        match dialogue.stage(session, now, keep) {
            Ok(()) => {}
            Err(Gone::Away) => session.end(),
            Err(Gone::Failed(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The summary's rows as text.
pub(crate) fn summary(rows: &[Row]) -> String {
    let row = |row: &Row| match row {
        Row::Heading(text) => format!("\n{text}\n"),
        Row::Item(text) => wrap::text("  ", text, COLUMNS),
    };
    rows.iter().map(row).collect()
}

impl Dialogue<'_> {
    fn stage(
        &mut self,
        session: &mut Session,
        now: &dyn Fn() -> Moment,
        keep: &mut dyn FnMut(&Keep) -> anyhow::Result<()>,
    ) -> Told {
        let side = session.terms.side;
        let Some((asked, step)) = session.current() else {
            return Err(Gone::Away);
        };
        let (asked, step) = (asked.clone(), step.clone());
        let kept = match session.stage {
            Stage::Ask { .. } => {
                self.ask(session, &asked, &step, now().elapsed, side)?;
                let text = self.answer()?;
                session.answer(text, now().elapsed)
            }
            Stage::Points { .. } => {
                for point in self.points(session.terms.mock, &step, side)? {
                    session.tick(point);
                }
                session.go_on(now().elapsed);
                None
            }
            Stage::Model { .. } => {
                self.model(&asked, side)?;
                session.go_on(now().elapsed);
                None
            }
            Stage::Score { dimension, .. } => {
                let band = self.band(session, &asked, dimension)?;
                let at = now();
                session.score(band, at.elapsed, &at.date, at.day)
            }
            Stage::Done => None,
        };
        kept.map_or(Ok(()), |kept| keep(&kept).map_err(Gone::Failed))
    }

    fn say(&mut self, lead: &str, text: &str) -> Told {
        self.output.write_all(wrap::text(lead, text, COLUMNS).as_bytes())?;
        self.output.flush()?;
        Ok(())
    }

    /// A line of the input, without its end.
    fn line(&mut self) -> Told<String> {
        let mut bytes = Vec::new();
        match self.input.read_until(b'\n', &mut bytes)? {
            0 => Err(Gone::Away),
            // A letter that is no UTF-8 spoils itself and not the answer.
            _ => Ok(String::from_utf8_lossy(&bytes)
                .trim_end_matches(['\n', '\r'])
                .to_owned()),
        }
    }

    fn ask(&mut self, session: &Session, asked: &Asked, step: &Step, elapsed: std::time::Duration, side: Side) -> Told {
        let (time, limit) = (clock(elapsed), clock(session.terms.limit));
        let (id, chapter, kind) = (&asked.id, &asked.chapter, words::kind(step, side));
        let head = side.of(
            format!("{kind} · chapter {chapter} · {id} · {time} of {limit}"),
            format!("{kind} · {chapter}장 · {id} · {time} / {limit}"),
        );
        self.say("\n== ", &head)?;
        self.say("", &step.ask)?;
        if step.kind.is_none() {
            for gap in words::gaps(asked, side) {
                self.say("! ", &gap)?;
            }
        }
        self.say(
            "> ",
            side.of(
                "Your answer, ended by an empty line; or the one word: spoken",
                "답변을 쓰고 빈 줄로 끝내세요. 말로 답했으면 한 단어만: spoken",
            ),
        )
    }

    /// `None` for an answer that was said aloud.
    fn answer(&mut self) -> Told<Option<String>> {
        let mut text = String::new();
        loop {
            let line = match self.line() {
                // What was written before the end is an answer; the next question finds that nobody is there.
                Err(Gone::Away) if !text.is_empty() => break,
                other => other?,
            };
            if line.trim().is_empty() {
                break;
            }
            if text.is_empty() && ["spoken", "말로"].contains(&line.trim()) {
                return Ok(None);
            }
            text.push_str(&line);
            text.push('\n');
        }
        Ok(Some(text))
    }

    /// The points that are to be ticked, from 0.
    fn points(&mut self, mock: bool, step: &Step, side: Side) -> Told<Vec<usize>> {
        if mock {
            self.say("\n== ", &step.ask)?;
            let given = step.given.as_ref();
            if let Some(text) = given.and_then(|given| given.text.as_deref()) {
                self.say(&format!("{}: ", words::your_answer(side)), text)?;
            }
        }
        for (at, point) in step.points.iter().enumerate() {
            let mark = if point.open { "-" } else { " " };
            self.say(&format!(" {mark}{}  ", at + 1), &plain(&point.pieces, side))?;
        }
        let title = words::points_title(side);
        loop {
            self.say(
                "> ",
                &side.of(
                    format!("{title} Their numbers, such as: 1 3; all; or an empty line for none"),
                    format!("{title} 번호(예: 1 3), all, 또는 없으면 빈 줄"),
                ),
            )?;
            let line = self.line()?;
            if line.trim() == "all" {
                return Ok((0..step.points.len()).collect());
            }
            let words = line.split([' ', ',']).filter(|word| !word.is_empty());
            let numbers: Result<Vec<usize>, _> = words.map(str::parse).collect();
            match numbers {
                Ok(mut numbers) if numbers.iter().all(|at| (1..=step.points.len()).contains(at)) => {
                    numbers.sort_unstable();
                    numbers.dedup();
                    return Ok(numbers.into_iter().map(|at| at - 1).collect());
                }
                _ => self.say(
                    "",
                    &side.of(
                        format!("{line:?} are not numbers of 1 to {}", step.points.len()),
                        format!("{line:?}: 1부터 {}까지의 번호가 아닙니다", step.points.len()),
                    ),
                )?,
            }
        }
    }

    fn model(&mut self, asked: &Asked, side: Side) -> Told {
        self.say("\n-- ", words::model_title(side))?;
        self.say("", &plain(&asked.answer, side))?;
        self.say("\n-- ", words::wrong_title(side))?;
        for wrong in &asked.wrong {
            self.say("x ", &wrong.says)?;
            self.say("  ", &wrong.why)?;
        }
        let source = &asked.source;
        self.say(
            &format!("\n{}: ", words::source_title(side)),
            &format!("{} ({}), {}", source.title, source.date, source.url),
        )?;
        self.say("\n", &words::named(asked, side))
    }

    fn band(&mut self, session: &Session, asked: &Asked, dimension: usize) -> Told<u8> {
        let side = session.terms.side;
        let signals = session.terms.rubric.dimensions[dimension].signals(side);
        if session.terms.mock && dimension == 0 {
            self.say("\n== ", &asked.steps[0].ask)?;
        }
        self.say("\n-- ", &format!("{} · {}", signals.name, signals.asks))?;
        for (at, band) in signals.bands.iter().enumerate() {
            self.say(&format!("  {}  ", at + 1), band)?;
        }
        loop {
            self.say(
                "> ",
                side.of(
                    "What did a listener hear? 1 to 4",
                    "듣는 사람은 무엇을 들었나요? 1에서 4까지",
                ),
            )?;
            let line = self.line()?;
            match line.trim().parse::<u8>() {
                Ok(band @ 1..=4) => return Ok(band),
                _ => self.say(
                    "",
                    &side.of(
                        format!("{line:?} is none of 1 to 4"),
                        format!("{line:?}: 1에서 4가 아닙니다"),
                    ),
                )?,
            }
        }
    }
}
