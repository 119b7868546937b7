//! Replicas of a register under a seeded schedule: every message takes its time, some never come, and the history is written down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::replica::{Chance, Plan, Version};
use crate::{Action, Operation, Reading, Step, Writing};

/// Who sends on its own behalf and waits for no reply.
const NOBODY: usize = usize::MAX;

/// What came of a simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Reads that were answered, and all writes: one that was given up has no end. By their calls.
    pub history: Vec<Operation>,
    /// Reads that were given up; the value means nothing.
    pub refused: Vec<Operation>,
    /// Messages that were sent, swallowed ones among them.
    pub messages: u64,
}

impl Run {
    /// Operations without an answer, of all.
    pub fn unanswered(&self) -> (usize, usize) {
        let writes = self.history.iter().filter(|operation| operation.end.is_none()).count();
        (writes + self.refused.len(), self.history.len() + self.refused.len())
    }
}

/// What happens at a time. Ordered, so that two events of one time have an order, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A client begins its next operation.
    Begin { client: usize },
    /// A message reaches a node: a store, or a read.
    Arrive {
        node: usize,
        client: usize,
        number: usize,
        store: Option<Version>,
    },
    /// A reply reaches a client: what was found, or that it was stored.
    Reply {
        client: usize,
        number: usize,
        node: usize,
        found: Option<Version>,
    },
    /// Half of an operation's time is over: the spares are asked.
    HalfTime { client: usize, number: usize },
    /// All of it is.
    TimeOut { client: usize, number: usize },
    /// The cut is over: spares hand on what they hold.
    Healed,
}

enum Doing {
    Nothing,
    Read(Reading),
    Write(Writing, Version),
}

struct Client {
    doing: Doing,
    /// Counts its operations.
    number: usize,
    call: u64,
}

struct Simulation<'a> {
    plan: &'a Plan,
    chance: Chance,
    now: u64,
    /// Counts events, so that those of one time come in the order in which they were made.
    made: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    nodes: Vec<Version>,
    /// When in its turn each node's clock began.
    phases: Vec<u64>,
    clients: Vec<Client>,
    run: Run,
}

/// Runs a plan under the schedule of a seed. The same seed gives the same run.
pub fn simulate(plan: &Plan, seed: u64) -> Run {
    let mut simulation = Simulation::new(plan, seed);
    while let Some(Reverse((at, _, event))) = simulation.events.pop() {
        simulation.now = at;
        simulation.happens(event);
    }
    simulation
        .run
        .history
        .sort_by_key(|operation| (operation.call, operation.client));
    simulation.run
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a Plan, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let every = plan.crashes.map_or(1, |crashes| crashes.every.max(1));
        let phases = (0..plan.nodes()).map(|_| chance.within(&(0..every))).collect();
        let clients = (0..=plan.readers).map(|_| Client {
            doing: Doing::Nothing,
            number: 0,
            call: 0,
        });
        let mut simulation = Self {
            plan,
            chance,
            now: 0,
            made: 0,
            events: BinaryHeap::new(),
            nodes: vec![0; plan.nodes()],
            phases,
            clients: clients.collect(),
            run: Run::default(),
        };
        for client in 0..=plan.readers {
            simulation.pause(client);
        }
        if let (true, Some(cut)) = (plan.sloppy, &plan.cut) {
            simulation.at(cut.during.end, Event::Healed);
        }
        simulation
    }

    fn at(&mut self, time: u64, event: Event) {
        self.made += 1;
        self.events.push(Reverse((time, self.made, event)));
    }

    fn pause(&mut self, client: usize) {
        if self.clients[client].number < self.plan.operations {
            let pause = self.chance.within(&self.plan.pause);
            self.at(self.now + pause, Event::Begin { client });
        }
    }

    /// A message from one side to another; a cut swallows it.
    fn message(&mut self, from_far: bool, to_far: bool, event: Event) {
        self.run.messages += 1;
        let delay = self.chance.within(&self.plan.delay);
        let delay = if self.chance.next().is_multiple_of(8) {
            delay * 8
        } else {
            delay
        };
        let swallowed = self
            .plan
            .cut
            .as_ref()
            .is_some_and(|cut| cut.swallows(self.now, from_far, to_far));
        if !swallowed {
            self.at(self.now + delay, event);
        }
    }

    /// To a node, from a client or on nobody's behalf.
    fn ask(&mut self, from_far: bool, client: usize, node: usize, store: Option<Version>) {
        let number = self.clients.get(client).map_or(0, |client| client.number);
        let event = Event::Arrive {
            node,
            client,
            number,
            store,
        };
        self.message(from_far, self.plan.node_is_far(node), event);
    }

    fn is_down(&self, node: usize) -> bool {
        let down = |crashes: crate::Crashes| (self.now + self.phases[node]) % crashes.every.max(1) < crashes.down;
        self.plan.crashes.is_some_and(down)
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Begin { client } => self.begin(client),
            Event::Arrive { node, .. } if self.is_down(node) => {}
            Event::Arrive {
                node,
                client,
                number,
                store,
            } => {
                let held = &mut self.nodes[node];
                *held = (*held).max(store.unwrap_or(0));
                let found = if store.is_none() { Some(*held) } else { None };
                if client != NOBODY {
                    let (from, to) = (self.plan.node_is_far(node), self.plan.client_is_far(client));
                    let reply = Event::Reply {
                        client,
                        number,
                        node,
                        found,
                    };
                    self.message(from, to, reply);
                }
            }
            Event::Reply {
                client,
                number,
                node,
                found,
            } if self.clients[client].number == number => {
                let step = match (&mut self.clients[client].doing, found) {
                    (Doing::Read(reading), Some(found)) => reading.on_reply(node, found),
                    (Doing::Read(reading), None) => reading.on_stored(node),
                    (Doing::Write(writing, _), None) => writing.on_stored(node),
                    _ => Step::Wait,
                };
                self.take(client, step);
            }
            Event::HalfTime { client, number } if self.clients[client].number == number => {
                let store = match &self.clients[client].doing {
                    Doing::Read(reading) => reading.writes_back(),
                    Doing::Write(_, version) => Some(*version),
                    Doing::Nothing => return,
                };
                let far = self.plan.client_is_far(client);
                for spare in self.plan.quorum.n()..self.plan.nodes() {
                    self.ask(far, client, spare, store);
                }
            }
            Event::TimeOut { client, number } if self.clients[client].number == number => self.give_up(client),
            Event::Reply { .. } | Event::HalfTime { .. } | Event::TimeOut { .. } => {}
            Event::Healed => {
                let n = self.plan.quorum.n();
                for spare in n..self.plan.nodes() {
                    let (far, held) = (self.plan.node_is_far(spare), self.nodes[spare]);
                    for home in 0..n {
                        self.ask(far, NOBODY, home, Some(held));
                    }
                }
            }
        }
    }

    fn begin(&mut self, client: usize) {
        let plan = self.plan;
        let this = &mut self.clients[client];
        this.number += 1;
        this.call = self.now;
        let (number, store) = (this.number, (client == 0).then_some(this.number as Version));
        this.doing = match store {
            Some(version) => Doing::Write(Writing::new(plan.quorum, version), version),
            None => Doing::Read(Reading::new(plan.quorum, plan.reads)),
        };
        let far = plan.client_is_far(client);
        for home in 0..plan.quorum.n() {
            self.ask(far, client, home, store);
        }
        if plan.sloppy {
            self.at(self.now + plan.timeout / 2, Event::HalfTime { client, number });
        }
        self.at(self.now + plan.timeout, Event::TimeOut { client, number });
    }

    fn take(&mut self, client: usize, step: Step) {
        let far = self.plan.client_is_far(client);
        match step {
            Step::Wait => {}
            Step::Store(version, to) => {
                // Who has asked spares goes on with them.
                let half_time = self.clients[client].call + self.plan.timeout / 2;
                let from = if self.now < half_time {
                    self.plan.nodes()
                } else {
                    self.plan.quorum.n()
                };
                for node in to.into_iter().chain(from..self.plan.nodes()) {
                    self.ask(far, client, node, Some(version));
                }
            }
            Step::Answer(version) => self.answer(client, version),
            Step::AnswerAndStore(version, to) => {
                self.answer(client, version);
                for node in to {
                    self.ask(far, NOBODY, node, Some(version));
                }
            }
        }
    }

    fn answer(&mut self, client: usize, version: Version) {
        let this = &mut self.clients[client];
        let action = match std::mem::replace(&mut this.doing, Doing::Nothing) {
            Doing::Write(_, version) => Action::Write(version),
            Doing::Read(_) => Action::Read(version),
            Doing::Nothing => return,
        };
        self.run.history.push(Operation {
            client,
            action,
            call: this.call,
            end: Some(self.now),
        });
        self.pause(client);
    }

    fn give_up(&mut self, client: usize) {
        let this = &mut self.clients[client];
        let (action, to) = match std::mem::replace(&mut this.doing, Doing::Nothing) {
            Doing::Write(_, version) => (Action::Write(version), &mut self.run.history),
            Doing::Read(_) => (Action::Read(0), &mut self.run.refused),
            Doing::Nothing => return,
        };
        to.push(Operation {
            client,
            action,
            call: this.call,
            end: None,
        });
        self.pause(client);
    }
}
