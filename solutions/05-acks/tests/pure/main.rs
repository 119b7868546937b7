//! What needs no cluster and no client. One program per layer, a module per subject: a program is linked anew after every edit.

mod settings;
