//! A partition of Kafka as a state machine in which everything that may happen does: the judge of what an acknowledgement promises.

use std::collections::{BTreeSet, HashSet, VecDeque};

use quorum::{Acks, Rules, Survives};

/// Sets of replicas are bits.
type Replicas = u8;

/// The settings of the topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) replicas: u8,
    pub(crate) min_insync: u8,
    pub(crate) unclean: bool,
    pub(crate) rules: Rules,
}

/// A partition after one record was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct State {
    /// Which replicas have the record.
    pub(crate) has: Replicas,
    pub(crate) up: Replicas,
    pub(crate) in_sync: Replicas,
    pub(crate) eligible: Replicas,
    pub(crate) leader: Option<u8>,
    /// Who led last when nobody is left on either list.
    last: u8,
    /// Whose disk was lost while it was down: it comes back empty.
    emptied: Replicas,
    /// A leader without the record was elected.
    lost: bool,
}

fn bits(set: Replicas) -> impl Iterator<Item = u8> {
    (0..8).filter(move |at| set & (1 << at) != 0)
}

fn size(set: Replicas) -> u8 {
    set.count_ones() as u8
}

/// What a fault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Outage,
    Loss,
}

impl Settings {
    /// The moments right after the acknowledgement: replica 0 leads, the first `in_sync` are in sync, the others are behind and up.
    pub(crate) fn acknowledged(&self, acks: Acks, in_sync: u8) -> State {
        let set = (1 << in_sync) - 1;
        let has = match acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => set,
        };
        // Those that left when the minimum was passed stay eligible: they have all below the high watermark, but not this record.
        let eligible = match self.rules {
            Rules::Eligible if in_sync < self.min_insync => ((1 << self.min_insync) - 1) & !set,
            _ => 0,
        };
        State {
            has,
            up: (1 << self.replicas) - 1,
            in_sync: set,
            eligible,
            leader: Some(0),
            last: 0,
            emptied: 0,
            lost: has == 0,
        }
    }

    /// The controller's answer to a change: every election that it may hold.
    fn elect(&self, state: State) -> Vec<State> {
        if state.leader.is_some() {
            return vec![state];
        }
        let mut from = state.in_sync & state.up;
        if from == 0 && state.in_sync == 0 {
            from = state.eligible & state.up;
        }
        let mut leads_alone = state.in_sync & state.up == 0;
        if from == 0 && self.rules == Rules::Eligible && state.in_sync | state.eligible == 0 {
            from = (1 << state.last) & state.up;
        }
        if from == 0 && self.unclean {
            (from, leads_alone) = (state.up, true);
        }
        if from == 0 {
            return vec![state];
        }
        let elected = bits(from).map(|leader| {
            let mut next = State {
                leader: Some(leader),
                last: leader,
                ..state
            };
            if leads_alone {
                next.in_sync = 1 << leader;
                next.eligible &= !(1 << leader);
            }
            next.lost |= state.has & (1 << leader) == 0;
            self.settle(next)
        });
        elected.collect()
    }

    /// Nobody is eligible while enough are in sync.
    fn settle(&self, mut state: State) -> State {
        if size(state.in_sync) >= self.min_insync {
            state.eligible = 0;
        }
        state
    }

    /// A fault strikes a broker; with [`Fault::Loss`] it may be down already.
    pub(crate) fn struck(&self, state: State, broker: u8, fault: Fault) -> Vec<State> {
        let bit = 1 << broker;
        let mut next = state;
        next.up &= !bit;
        if fault == Fault::Loss {
            next.has &= !bit;
            next.emptied |= bit;
            next.lost |= next.has == 0;
        }
        if state.in_sync & bit != 0 {
            match self.rules {
                // The last one in sync stays on the list: nobody else may lead.
                Rules::Before | Rules::Strict if state.in_sync == bit => {}
                _ => next.in_sync &= !bit,
            }
            if self.rules == Rules::Eligible && size(next.in_sync) < self.min_insync {
                next.eligible |= bit;
            }
        }
        if next.leader == Some(broker) {
            next.leader = None;
        }
        self.elect(next)
    }

    /// A broker comes back with what it has.
    fn returned(&self, state: State, broker: u8) -> Vec<State> {
        let bit = 1 << broker;
        let mut next = state;
        next.up |= bit;
        if state.emptied & bit != 0 {
            next.emptied &= !bit;
            if self.rules == Rules::Eligible {
                next.in_sync &= !bit;
                next.eligible &= !bit;
            }
        }
        self.elect(next)
    }

    /// A replica that is behind catches up with the leader and is in sync again.
    fn caught_up(&self, state: State, broker: u8) -> Option<State> {
        let (bit, leader) = (1 << broker, state.leader?);
        let can = state.up & bit != 0 && state.in_sync & bit == 0;
        can.then(|| {
            let mut next = state;
            next.has = (next.has & !bit) | if state.has & (1 << leader) != 0 { bit } else { 0 };
            next.in_sync |= bit;
            next.eligible &= !bit;
            self.settle(next)
        })
    }

    /// How many faults of `counted` it takes at least to lose the record; faults of `free` cost nothing. `None`: no number does.
    pub(crate) fn faults_to_lose(&self, from: State, counted: Fault, free: Option<Fault>) -> Option<u8> {
        let mut open = VecDeque::from([(from, 0)]);
        let mut seen = HashSet::new();
        while let Some((state, cost)) = open.pop_front() {
            if state.lost {
                return Some(cost);
            }
            // Came here at a smaller cost before: the queue is ordered by it.
            if !seen.insert(state) {
                continue;
            }
            let mut goes = |next: State, dear: bool| match dear {
                true => open.push_back((next, cost + 1)),
                false => open.push_front((next, cost)),
            };
            for broker in 0..self.replicas {
                let up = state.up & (1 << broker) != 0;
                for fault in [Some(counted), free].into_iter().flatten() {
                    let empty = state.emptied & (1 << broker) != 0;
                    if up || (fault == Fault::Loss && !empty) {
                        let next = self.struck(state, broker, fault);
                        next.into_iter().for_each(|next| goes(next, fault == counted));
                    }
                }
                if !up {
                    self.returned(state, broker)
                        .into_iter()
                        .for_each(|next| goes(next, false));
                }
                if let Some(next) = self.caught_up(state, broker) {
                    goes(next, false);
                }
            }
        }
        None
    }

    /// How many outages of brokers in sync leave the partition writable for certain, if all others are down and nobody comes back.
    pub(crate) fn spare(&self, mut from: State, acks: Acks) -> u8 {
        from.up &= from.in_sync;
        let needed = if acks == Acks::All { self.min_insync } else { 1 };
        let writable = |state: &State| state.leader.is_some() && size(state.in_sync & state.up) >= needed;
        let mut states = BTreeSet::from([from]);
        for faults in 0.. {
            if !states.iter().all(writable) {
                return faults - 1;
            }
            let strike = |state: &State| {
                let up = bits(state.up).collect::<Vec<_>>();
                let state = *state;
                up.into_iter()
                    .flat_map(move |broker| self.struck(state, broker, Fault::Outage))
            };
            states = states.iter().flat_map(strike).collect();
        }
        0
    }
}

/// The least number of faults that lose a record, as what it survives.
pub(crate) fn survives(least: Option<u8>) -> Survives {
    match least {
        None => Survives::Any,
        Some(0) => Survives::Nothing,
        Some(faults) => Survives::Faults(faults - 1),
    }
}
