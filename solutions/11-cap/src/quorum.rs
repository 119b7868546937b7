//! Quorum arithmetic, and what a client does with the replies of replicas: read, write, repair, write back.

use crate::Version;

/// Of `n` replicas, `r` must answer a read and `w` a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    n: usize,
    r: usize,
    w: usize,
}

/// No such quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("R and W must be 1 to N; not N={n}, R={r}, W={w}")]
pub struct QuorumError {
    /// Replicas.
    pub n: usize,
    /// Answers to a read.
    pub r: usize,
    /// Answers to a write.
    pub w: usize,
}

impl Quorum {
    /// Of `n` replicas, `r` for a read and `w` for a write.
    ///
    /// # Errors
    /// [`QuorumError`] unless both are 1 to `n`.
    pub fn new(n: usize, r: usize, w: usize) -> Result<Self, QuorumError> {
        if !(1..=n).contains(&r) || !(1..=n).contains(&w) {
            return Err(QuorumError { n, r, w });
        }
        Ok(Self { n, r, w })
    }

    /// Replicas.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Answers to a read.
    pub fn r(&self) -> usize {
        self.r
    }

    /// Answers to a write.
    pub fn w(&self) -> usize {
        self.w
    }

    /// Whether every set of `r` replicas has one in common with every set of `w`: a read that begins after a write was acknowledged asks somebody
    /// who has it. It does not say that reads agree with each other.
    pub fn overlaps(&self) -> bool {
        // TASK 6: whether every read meets every acknowledged write
        self.r + self.w > self.n
        // END TASK 6
    }

    /// How many replicas may be out of reach while reads and writes are still answered.
    pub fn spare(&self) -> (usize, usize) {
        // TASK 6: how many may be missing at a read, and at a write
        (self.n - self.r, self.n - self.w)
        // END TASK 6
    }
}

/// What a reader does with what it has learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Nothing.
    Plain,
    /// It sends the newest value to those of whom it knows that they are behind, and waits for none of them (read repair).
    Repair,
    /// It does not answer before a write quorum has the value that it will answer (Attiya, Bar-Noy, Dolev 1995).
    WriteBack,
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits for more replies.
    Wait,
    /// Answers.
    Answer(Version),
    /// Answers, and sends the version to these replicas without waiting for them.
    AnswerAndStore(Version, Vec<usize>),
    /// Sends the version to these replicas, and waits until enough of them have said that they stored it.
    Store(Version, Vec<usize>),
}

/// A read on its way. Replicas are numbered; spares that stand in for one have numbers from `n` on and count like others.
#[derive(Clone, Debug)]
pub struct Reading {
    quorum: Quorum,
    reads: Reads,
    /// Who replied, with what.
    replies: Vec<(usize, Version)>,
    /// What it will answer, once it knows.
    decided: Option<Version>,
    /// Who is known to have what was decided.
    holders: Vec<usize>,
    answered: bool,
}

impl Reading {
    /// A read that was sent to all replicas.
    pub fn new(quorum: Quorum, reads: Reads) -> Self {
        Self {
            quorum,
            reads,
            replies: Vec::new(),
            decided: None,
            holders: Vec::new(),
            answered: false,
        }
    }

    /// A replica replied with what it has. A second reply of the same replica counts for nothing, and so does one after the answer.
    ///
    /// With `r` replies the newest of them is decided, for good. [`Reads::Plain`] answers it. [`Reads::Repair`] answers it as well, and stores it where the replies were
    /// older (with nobody behind, it just answers). [`Reads::WriteBack`] answers it if `w` of those that replied have it; else it stores it at all of `0..n` that are not
    /// known to have it, and waits. A reply that comes during this wait and is as new as what was decided, or newer, counts as stored.
    pub fn on_reply(&mut self, replica: usize, version: Version) -> Step {
        // TASK 6: take a replica's reply to a read
        if self.answered || self.replies.iter().any(|(from, _)| *from == replica) {
            return Step::Wait;
        }
        self.replies.push((replica, version));
        if let Some(decided) = self.decided {
            return if version >= decided {
                self.on_stored(replica)
            } else {
                Step::Wait
            };
        }
        if self.replies.len() < self.quorum.r {
            return Step::Wait;
        }
        let newest = self.replies.iter().map(|(_, version)| *version).max().unwrap_or(0);
        let (new, old): (Vec<_>, Vec<_>) = self.replies.iter().partition(|(_, version)| *version == newest);
        let [new, old] = [new, old].map(|of| of.into_iter().map(|(from, _)| from).collect::<Vec<_>>());
        self.decided = Some(newest);
        self.answered = self.reads != Reads::WriteBack || new.len() >= self.quorum.w;
        let step = match self.reads {
            Reads::Repair if !old.is_empty() => Step::AnswerAndStore(newest, old),
            _ if self.answered => Step::Answer(newest),
            _ => Step::Store(newest, (0..self.quorum.n).filter(|to| !new.contains(to)).collect()),
        };
        self.holders = new;
        step
        // END TASK 6
    }

    /// What is being written back before the answer.
    pub fn writes_back(&self) -> Option<Version> {
        self.decided.filter(|_| !self.answered)
    }

    /// A replica has stored what this read wrote back. Each counts once; when `w` have it, the read answers.
    pub fn on_stored(&mut self, replica: usize) -> Step {
        // TASK 6: a replica has what is written back
        if !self.holders.contains(&replica) {
            self.holders.push(replica);
        }
        match self.decided {
            Some(decided) if !self.answered && self.holders.len() >= self.quorum.w => {
                self.answered = true;
                Step::Answer(decided)
            }
            _ => Step::Wait,
        }
        // END TASK 6
    }
}

/// A write on its way.
#[derive(Clone, Debug)]
pub struct Writing {
    quorum: Quorum,
    version: Version,
    stored: Vec<usize>,
}

impl Writing {
    /// A write of `version` that was sent to all replicas.
    pub fn new(quorum: Quorum, version: Version) -> Self {
        Self {
            quorum,
            version,
            stored: Vec::new(),
        }
    }

    /// A replica, or a spare in its place, has stored it. Each counts once; the `w`-th one is the answer, and those after it are waited for by nobody.
    pub fn on_stored(&mut self, replica: usize) -> Step {
        if self.stored.contains(&replica) {
            return Step::Wait;
        }
        self.stored.push(replica);
        match self.stored.len() == self.quorum.w {
            true => Step::Answer(self.version),
            false => Step::Wait,
        }
    }
}
