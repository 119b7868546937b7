//! Code that a page includes.

// ANCHOR: one
fn one() {}
// ANCHOR_END: one
