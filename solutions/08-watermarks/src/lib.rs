//! Watermarks: how far event time has come, per partition and over all of them.
