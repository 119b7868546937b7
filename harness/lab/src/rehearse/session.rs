//! A session: what is asked now, what was answered, ticked and scored. It draws nothing and waits for nothing; the screen and the
//! plain dialogue both drive it.

use std::time::Duration;

use jiff::civil::Date;
use measure::claim::Source;

use super::review::Review;
use crate::bank::template::{Blank, Gap, Piece, fill};
use crate::bank::{Kind, Question, Rubric, Side, Wrong};

/// Where a session stands. `q` counts its questions, `step` those of one question: 0 is the question itself, then its ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// An answer is wanted.
    Ask { q: usize, step: usize },
    /// The answer is held against the key points.
    Points { q: usize, step: usize },
    /// The model answer, and common wrong ones.
    Model { q: usize },
    /// A dimension of the rubric is scored.
    Score { q: usize, dimension: usize },
    /// It is over.
    Done,
}

/// A question of a session.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) chapter: String,
    pub(crate) steps: Vec<Step>,
    /// The model answer.
    pub(crate) answer: Vec<Piece>,
    pub(crate) wrong: Vec<Wrong>,
    pub(crate) source: Source,
    /// Numbers that are not to be quoted, and so not drilled.
    pub(crate) gaps: Vec<Gap>,
    /// By the rubric's dimension.
    pub(crate) scores: [Option<u8>; 4],
    /// Whether it was scored to its end.
    pub(crate) done: bool,
    digest: String,
}

/// The question itself, or a follow-up.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// `None` for the question itself.
    pub(crate) kind: Option<Kind>,
    /// Its number in the bank: a follow-up that needs a missing number is left out.
    number: usize,
    pub(crate) ask: String,
    pub(crate) points: Vec<Point>,
    pub(crate) given: Option<Given>,
}

/// A key point.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) ticked: bool,
    /// Whether a number in it is missing: then nobody is asked for it.
    pub(crate) open: bool,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// `None` if it was said aloud.
    pub(crate) text: Option<String>,
    pub(crate) took: Duration,
}

/// Something that must not be lost.
#[derive(Clone, Debug)]
pub(crate) enum Keep {
    /// A typed answer.
    Answer {
        question: String,
        ask: String,
        text: String,
        took: Duration,
    },
    Review(Review),
}

/// How a session is held.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) side: Side,
    /// An interview: all is answered first, and scored at the end.
    pub(crate) mock: bool,
    pub(crate) limit: Duration,
    pub(crate) rubric: Rubric,
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) terms: Terms,
    /// All that could be asked; how many are is a matter of time.
    pub(crate) asked: Vec<Asked>,
    pub(crate) stage: Stage,
    /// When what is asked now was shown.
    shown: Duration,
}

impl Asked {
    pub(crate) fn new(question: &Question, side: Side, known: &dyn Fn(&Blank) -> Piece) -> Self {
        let text = question.text(side);
        let mut gaps: Vec<Gap> = Vec::new();
        let mut filled = |template: &str| {
            let pieces = fill(template, known);
            for piece in &pieces {
                if let Piece::Blank(gap) = piece
                    && !gaps.contains(gap)
                {
                    gaps.push(gap.clone());
                }
            }
            pieces
        };
        let mut points = |templates: &[String]| -> Vec<Point> {
            let pieces = templates.iter().map(|template| filled(template));
            let point = |pieces: Vec<Piece>| Point {
                open: pieces.iter().any(|piece| matches!(piece, Piece::Blank(_))),
                pieces,
                ticked: false,
            };
            pieces.map(point).collect()
        };
        let mut steps = vec![Step {
            kind: None,
            number: 0,
            ask: text.ask.clone(),
            points: points(&text.points),
            given: None,
        }];
        for (at, step) in text.ladder.iter().enumerate() {
            let points = points(&step.points);
            // A number that is stale would be learnt by heart.
            if step.kind == Kind::Number && points.iter().any(|point| point.open) {
                continue;
            }
            steps.push(Step {
                kind: Some(step.kind),
                number: at + 1,
                ask: step.ask.clone(),
                points,
                given: None,
            });
        }
        Self {
            id: question.id.clone(),
            chapter: question.chapter.clone(),
            steps,
            answer: filled(&text.answer),
            wrong: text.wrong.clone(),
            source: question.source.clone(),
            gaps,
            scores: [None; 4],
            done: false,
            digest: question.en.digest(),
        }
    }

    /// How many key points were named, and of how many that could be; of the steps `of` them.
    pub(crate) fn named(&self, of: impl Fn(&Step) -> bool) -> (usize, usize) {
        let steps = self.steps.iter().filter(|step| step.given.is_some() && of(step));
        let points: Vec<&Point> = steps
            .flat_map(|step| &step.points)
            .filter(|point| !point.open)
            .collect();
        (points.iter().filter(|point| point.ticked).count(), points.len())
    }

    pub(crate) fn sum(&self) -> u32 {
        self.scores.iter().flatten().map(|score| u32::from(*score)).sum()
    }

    fn is_answered(&self) -> bool {
        self.steps[0].given.is_some()
    }
}

impl Session {
    pub(crate) fn new(terms: Terms, asked: Vec<Asked>) -> Self {
        let stage = match asked.is_empty() {
            true => Stage::Done,
            false => Stage::Ask { q: 0, step: 0 },
        };
        Self {
            terms,
            asked,
            stage,
            shown: Duration::ZERO,
        }
    }

    /// The question and the step that are asked or looked at; `None` when it is over.
    pub(crate) fn current(&self) -> Option<(&Asked, &Step)> {
        let (q, step) = match self.stage {
            Stage::Ask { q, step } | Stage::Points { q, step } => (q, step),
            Stage::Model { q } | Stage::Score { q, .. } => (q, 0),
            Stage::Done => return None,
        };
        let asked = self.asked.get(q)?;
        Some((asked, asked.steps.get(step)?))
    }

    /// How long what is asked now has been shown.
    pub(crate) fn asked_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.shown)
    }

    /// Takes an answer, typed or (`None`) said aloud.
    pub(crate) fn answer(&mut self, text: Option<String>, now: Duration) -> Option<Keep> {
        let Stage::Ask { q, step } = self.stage else {
            return None;
        };
        let took = self.asked_for(now);
        let text = text.map(|text| text.trim().to_owned());
        let asked = &mut self.asked[q];
        asked.steps[step].given = Some(Given {
            text: text.clone(),
            took,
        });
        let keep = text.filter(|text| !text.is_empty()).map(|text| Keep::Answer {
            question: asked.id.clone(),
            ask: asked.steps[step].ask.clone(),
            text,
            took,
        });
        self.stage = match self.terms.mock {
            false => Stage::Points { q, step },
            true => self.next_of_interview(q, step, now),
        };
        self.shown = now;
        keep
    }

    /// Ticks a key point, or takes the tick away.
    pub(crate) fn tick(&mut self, point: usize) {
        if let Stage::Points { q, step } = self.stage
            && let Some(point) = self.asked[q].steps[step].points.get_mut(point)
            && !point.open
        {
            point.ticked = !point.ticked;
        }
    }

    /// Goes on from key points, or from the model answer.
    pub(crate) fn go_on(&mut self, now: Duration) {
        self.stage = match self.stage {
            Stage::Points { q, step } => {
                let steps = &self.asked[q].steps;
                let next = (step + 1..steps.len()).find(|next| !self.terms.mock || steps[*next].given.is_some());
                match (next, self.terms.mock) {
                    (Some(step), true) => Stage::Points { q, step },
                    (Some(step), false) => Stage::Ask { q, step },
                    (None, _) => Stage::Model { q },
                }
            }
            Stage::Model { q } => Stage::Score { q, dimension: 0 },
            other => other,
        };
        self.shown = now;
    }

    /// Scores the dimension that is asked for; the last one ends the question.
    pub(crate) fn score(&mut self, band: u8, now: Duration, date: &str, day: Date) -> Option<Keep> {
        let Stage::Score { q, dimension } = self.stage else {
            return None;
        };
        self.asked[q].scores[dimension] = Some(band.clamp(1, 4));
        if dimension + 1 < self.terms.rubric.dimensions.len() {
            self.stage = Stage::Score {
                q,
                dimension: dimension + 1,
            };
            return None;
        }
        self.asked[q].done = true;
        let review = self.review(q, date, day);
        self.stage = match self.terms.mock {
            true => self.first_to_score(q + 1),
            false if q + 1 < self.asked.len() && now < self.terms.limit => Stage::Ask { q: q + 1, step: 0 },
            false => Stage::Done,
        };
        self.shown = now;
        Some(Keep::Review(review))
    }

    /// Goes back to the dimension before, or from the first to the model answer.
    pub(crate) fn back(&mut self) {
        if let Stage::Score { q, dimension } = self.stage {
            self.stage = match dimension.checked_sub(1) {
                Some(dimension) => Stage::Score { q, dimension },
                None => Stage::Model { q },
            };
        }
    }

    /// Ends it where it stands.
    pub(crate) fn end(&mut self) {
        self.stage = Stage::Done;
    }

    fn next_of_interview(&self, q: usize, step: usize, now: Duration) -> Stage {
        let more = match now < self.terms.limit {
            true if step + 1 < self.asked[q].steps.len() => Some((q, step + 1)),
            true if q + 1 < self.asked.len() => Some((q + 1, 0)),
            _ => None,
        };
        more.map_or_else(|| self.first_to_score(0), |(q, step)| Stage::Ask { q, step })
    }

    fn first_to_score(&self, from: usize) -> Stage {
        let mut rest = from..self.asked.len();
        rest.find(|q| self.asked[*q].is_answered())
            .map_or(Stage::Done, |q| Stage::Points { q, step: 0 })
    }

    fn review(&self, q: usize, date: &str, day: Date) -> Review {
        let asked = &self.asked[q];
        let dimensions = self.terms.rubric.dimensions.iter().zip(asked.scores);
        let given: Vec<&Step> = asked.steps.iter().filter(|step| step.given.is_some()).collect();
        let mut missed = Vec::new();
        for step in &given {
            let points = step.points.iter().enumerate();
            let not_named = points.filter(|(_, point)| !point.ticked && !point.open);
            missed.extend(not_named.map(|(point, _)| (step.number, point)));
        }
        let (named, of) = asked.named(|_| true);
        Review {
            question: asked.id.clone(),
            date: date.to_owned(),
            day,
            lang: self.terms.side.key().to_owned(),
            mock: self.terms.mock,
            seconds: given
                .iter()
                .flat_map(|step| &step.given)
                .map(|given| given.took.as_secs())
                .sum(),
            spoken: given
                .iter()
                .flat_map(|step| &step.given)
                .any(|given| given.text.is_none()),
            scores: dimensions
                .filter_map(|(dimension, score)| Some((dimension.id.clone(), score?)))
                .collect(),
            named,
            of,
            missed,
            digest: asked.digest.clone(),
        }
    }
}
