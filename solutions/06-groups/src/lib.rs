//! The consumer: the poll loop of a group member, with assignment, pause, commit and lag.
