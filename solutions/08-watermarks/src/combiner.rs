//! One watermark over several inputs.

use market::EventTime;

/// What is known of one input.
#[derive(Clone, Debug)]
struct Input<Id> {
    id: Id,
    watermark: EventTime,
    idle: bool,
}

/// The smallest watermark of the inputs that are not idle; it never goes back.
///
/// If all are idle it goes to the largest one seen, so that it does not matter which became idle first. Without inputs
/// it stays where it is: the minimum of nothing is the end of time, and saying that would close every window.
#[derive(Clone, Debug)]
pub struct Combiner<Id> {
    inputs: Vec<Input<Id>>,
    combined: EventTime,
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
    /// No inputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input that has seen nothing: until it has, the watermark stands still. `false`: it was there already.
    pub fn register(&mut self, id: Id) -> bool {
        if self.position(&id).is_some() {
            return false;
        }
        self.inputs.push(Input {
            id,
            watermark: EventTime::MIN,
            idle: false,
        });
        true
    }

    /// Forgets an input. What that frees shows at the next change or [`Combiner::emit`]. `false`: it was not there.
    pub fn unregister(&mut self, id: &Id) -> bool {
        match self.position(id) {
            Some(at) => {
                self.inputs.swap_remove(at);
                true
            }
            None => false,
        }
    }

    /// A watermark of an input, to be combined at once; it makes the input active. One that does not raise the input's
    /// own watermark above the combined one cannot change that, so nothing is combined then. `false`: no such input.
    pub fn on_watermark(&mut self, id: &Id, watermark: EventTime) -> bool {
        let combined = self.combined;
        let Some(input) = self.input(id) else {
            return false;
        };
        input.idle = false;
        if watermark > input.watermark {
            input.watermark = watermark;
            if watermark > combined {
                self.emit();
            }
        }
        true
    }

    /// A watermark of an input, to be combined at the next [`Combiner::emit`]. `false`: no such input.
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

    /// Combines what is known. Gives the watermark if it rose.
    pub fn emit(&mut self) -> Option<EventTime> {
        if self.inputs.is_empty() {
            // Inputs that are gone say nothing any more; before the first one there was nothing to fall silent.
            self.idle = self.combined > EventTime::MIN;
            return None;
        }
        let active = self.inputs.iter().filter(|input| !input.idle);
        let slowest = active.map(|input| input.watermark).min();
        self.idle = slowest.is_none();
        let combined = slowest.or_else(|| self.inputs.iter().map(|input| input.watermark).max())?;
        if combined > self.combined {
            self.combined = combined;
            return Some(combined);
        }
        None
    }

    /// The watermark over all inputs; [`EventTime::MIN`] until there is one.
    pub fn watermark(&self) -> EventTime {
        self.combined
    }

    /// Whether all inputs were idle, or all were gone, when last combined.
    pub fn is_idle(&self) -> bool {
        self.idle
    }

    /// The inputs with their watermarks and whether they are idle.
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

/// Everything before this time is complete under that watermark: a window that ends here or earlier is final, apart from
/// late events. `None` before the first watermark.
pub fn complete_until(watermark: EventTime) -> Option<EventTime> {
    (watermark > EventTime::MIN).then(|| watermark.saturating_add(1))
}
