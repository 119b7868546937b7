//! One watermark over several inputs.

use market::EventTime;

/// What is known of one input.
#[derive(Clone, Debug)]
struct Input<Id> {
    id: Id,
    /// Its own watermark; never goes back.
    watermark: EventTime,
    idle: bool,
}

/// The smallest watermark of the inputs that are not idle; it never goes back.
///
/// If all are idle, it is the largest watermark of any of them, so that it does not matter which fell idle first.
/// Without inputs it stays where it is: the minimum of nothing is the end of time, and saying that would close every
/// window.
#[derive(Clone, Debug)]
pub struct Combiner<Id> {
    /// In no order.
    inputs: Vec<Input<Id>>,
    /// What was said last.
    combined: EventTime,
    /// Whether all were idle, or all gone, when last combined.
    idle: bool,
}

impl<Id> Default for Combiner<Id> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            combined: EventTime::MIN,
            idle: false,
        }
    }
}

impl<Id: Eq> Combiner<Id> {
    /// No inputs, nothing said: the watermark is [`EventTime::MIN`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input that is active and has seen nothing ([`EventTime::MIN`]): until it has, the watermark stands still.
    /// `false`: it was there already, and stays as it is.
    pub fn register(&mut self, id: Id) -> bool {
        todo!("task 2: add an input that has seen nothing")
    }

    /// Forgets an input. Nothing is combined here: what the removal frees shows at the next change that combines, or at
    /// [`Combiner::emit`], so that inputs taken away one by one (a rebalance) say nothing in between. `false`: it was not there.
    pub fn unregister(&mut self, id: &Id) -> bool {
        todo!("task 2: forget an input")
    }

    /// A watermark of an input; it makes the input active, even if it is an old one. An input's own watermark never goes
    /// back. If it rises, and is then above the combined one, everything is combined at once, with it what was deferred or
    /// removed before. Otherwise nothing is combined, whatever waits for it: that shows at the next change that combines, or
    /// at [`Combiner::emit`]. `false`: no such input.
    pub fn on_watermark(&mut self, id: &Id, watermark: EventTime) -> bool {
        todo!("task 2: take an input's watermark and combine if that can change anything")
    }

    /// A watermark of an input, to be combined at the next [`Combiner::emit`]; it makes the input active. `false`: no
    /// such input.
    pub fn defer_watermark(&mut self, id: &Id, watermark: EventTime) -> bool {
        self.input(id)
            .map(|input| {
                input.idle = false;
                input.watermark = input.watermark.max(watermark);
            })
            .is_some()
    }

    /// Says whether an input is idle, and combines at once. `false`: no such input.
    pub fn mark_idle(&mut self, id: &Id, idle: bool) -> bool {
        let known = self.defer_idle(id, idle);
        if known {
            self.emit();
        }
        known
    }

    /// Says whether an input is idle; it shows at the next [`Combiner::emit`]. `false`: no such input.
    pub fn defer_idle(&mut self, id: &Id, idle: bool) -> bool {
        self.input(id).map(|input| input.idle = idle).is_some()
    }

    /// Combines what is known now: the smallest watermark of the active inputs; the largest of all if every one is idle;
    /// never less than was said before. Gives the watermark if it rose, else `None`.
    ///
    /// Also notes whether all are idle, for [`Combiner::is_idle`]. Without inputs the watermark stays, and is idle if
    /// anything was ever said: inputs that are gone say nothing any more, but before the first one there was nothing to
    /// fall silent.
    pub fn emit(&mut self) -> Option<EventTime> {
        todo!("task 2: combine what is known")
    }

    /// The watermark over all inputs, as last combined; [`EventTime::MIN`] until there is one.
    pub fn watermark(&self) -> EventTime {
        self.combined
    }

    /// Whether all inputs were idle, or all were gone, when last combined.
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// The inputs with their own watermarks and whether they are idle, in no order.
    pub fn inputs(&self) -> impl Iterator<Item = (&Id, EventTime, bool)> {
        self.inputs.iter().map(|input| (&input.id, input.watermark, input.idle))
    }

    fn position(&self, id: &Id) -> Option<usize> {
        self.inputs.iter().position(|input| input.id == *id)
    }

    fn input(&mut self, id: &Id) -> Option<&mut Input<Id>> {
        self.inputs.iter_mut().find(|input| input.id == *id)
    }
}
