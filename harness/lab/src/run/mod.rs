//! What a run is made of: the pipeline's processes, what they report, how they are drained, where others find the run.

pub(crate) mod audit;
mod board;
pub(crate) mod charts;
pub(crate) mod child;
pub(crate) mod crew;
pub(crate) mod current;
mod drain;
mod ending;
pub(crate) mod joined;
pub(crate) mod kept;
mod live;
pub(crate) mod names;
pub(crate) mod not_built;
mod offsets;
mod pace;
pub(crate) mod plan;
pub(crate) mod resources;
pub(crate) mod room;
pub(crate) mod rounds;
pub(crate) mod setup;
pub(crate) mod stop;
mod supervisor;
pub(crate) mod used;

pub(crate) use board::Board;
pub(crate) use live::live;
