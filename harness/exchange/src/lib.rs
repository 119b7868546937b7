//! Upbit on the wire: a seeded generator and replayed captures served over WebSocket and REST, with faults.
