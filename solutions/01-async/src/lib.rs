//! The feed: a WebSocket client that connects, subscribes, keeps alive, reconnects, repairs gaps over REST and hands frames over with a bound.
