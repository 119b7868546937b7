//! The producer: acknowledged, idempotent, batched, and bounded with backpressure to its caller.
