//! The pipeline: every part composed, the program that runs one end of it, and the conformance checks.
