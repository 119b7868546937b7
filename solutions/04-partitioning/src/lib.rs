//! Placement: which partition a key goes to, as the Java client does it.
