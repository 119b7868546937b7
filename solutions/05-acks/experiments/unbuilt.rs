//! A task of the lab that is not built yet is told as one, wherever it is met; only what needs it is left out.

use std::io::Write as _;
use std::sync::Once;

use measure::{Told, Unbuilt};

/// Has the first panic of an unbuilt task told as a line; such panics are not shown, others stay as they are.
pub(crate) fn tell_of_what_is_unbuilt() {
    static FIRST: Once = Once::new();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let met = message
            .zip(panic.location())
            .and_then(|(message, place)| Unbuilt::met(message, place.file()));
        match met {
            Some(unbuilt) => FIRST.call_once(|| {
                if let Ok(mut line) = serde_json::to_vec(&Told::Unbuilt(unbuilt)) {
                    line.push(b'\n');
                    let mut out = std::io::stdout().lock();
                    let _ = out.write_all(&line).and_then(|()| out.flush());
                }
            }),
            None => usual(panic),
        }
    }));
}
