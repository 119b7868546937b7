//! What a reader has written so far: other code than the reference's.

fn mine() {}
