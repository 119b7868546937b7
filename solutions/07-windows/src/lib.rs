//! The window operator: assignment, keyed state, timers, allowed lateness and firing, in event time.
