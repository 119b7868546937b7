//! What clap refuses, as one sentence that says what to do next.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A refusal of clap's as one sentence that says what to do next; `None` for what is not a refusal (help, version).
pub fn sentence(error: &clap::Error) -> Option<String> {
    let hint = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        _ => {
            let command = std::env::args()
                .nth(1)
                .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
            match command {
                Some(command) if error.kind() != ErrorKind::InvalidSubcommand => format!("./lab {command} --help"),
                _ => "./lab --help".to_owned(),
            }
        }
    };
    Some(worded(error, &hint))
}

fn worded(error: &clap::Error, hint: &str) -> String {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) if !texts.is_empty() => Some(texts.join(", ")),
        _ => None,
    };
    let flag = word(ContextKind::InvalidArg).unwrap_or_default();
    let flag_name = flag.split(' ').next().unwrap_or_default();
    let value = word(ContextKind::InvalidValue).unwrap_or_default();
    let allowed = word(ContextKind::ValidValue);
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(word)
    .map(|meant| format!("; did you mean {meant}?"));
    match error.kind() {
        ErrorKind::ValueValidation => {
            // Our own parsers say in a sentence what they want; that of numbers says the range.
            let cause = std::error::Error::source(error)
                .map(ToString::to_string)
                .unwrap_or_default();
            if cause.contains("; ") {
                format!("{flag_name}: {cause}")
            } else if let Some((_, range)) = cause.split_once(" is not in ") {
                format!("{flag_name} cannot be {value}; choose {}", range.replace("..=", " to "))
            } else {
                format!("{flag_name} {value}: {cause}; {hint} shows what fits")
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{flag_name} needs a value; {hint} shows which"),
        ErrorKind::InvalidValue => match allowed {
            Some(allowed) => format!("{flag_name} cannot be {value:?}; there are {allowed}"),
            None => format!("{flag_name} cannot be {value:?}; {hint} shows what fits"),
        },
        ErrorKind::UnknownArgument => {
            format!(
                "there is no {flag}{}",
                meant.unwrap_or_else(|| format!("; {hint} shows what there is"))
            )
        }
        ErrorKind::InvalidSubcommand => {
            let command = word(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!(
                "there is no command {command:?}{}",
                meant.unwrap_or_else(|| format!("; {hint} shows them"))
            )
        }
        ErrorKind::MissingRequiredArgument => format!("{flag} is missing; {hint} shows an example"),
        ErrorKind::ArgumentConflict => {
            let other = word(ContextKind::PriorArg).unwrap_or_default();
            format!("{flag_name} does not go together with {other}; {hint} shows what does")
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            format!("{}; {hint} shows what there is", first.trim_start_matches("error: "))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// What the program would say to these arguments.
    fn said(args: &str) -> String {
        let words = std::iter::once("lab").chain(args.split_whitespace());
        match Cli::try_parse_from(words) {
            Ok(_) => panic!("`lab {args}` was taken"),
            Err(error) => worded(&error, "./lab --help"),
        }
    }

    #[test]
    fn a_refusal_is_a_sentence_that_says_what_to_do_next() {
        let all = [
            "upp",
            "up --speed 5",
            "up --rat 5",
            "up --rate fast",
            "up --rate 1e20",
            "up --rate 1e306k",
            "up --rate",
            "up --for soon",
            "up --source moon",
            "up --markets bitcoin",
            "up --brokers 2",
            "up --brokers 9",
            "up --partitions 0",
            "up --stack cloud",
            "up --encoding xml",
            "up --fault sharks@3s",
            "up --fault garbage",
            "up extra",
            "record",
            "record --for 0s x",
            "record --import a --from upbit b",
            "conformance clocks f",
        ]
        .map(|args| format!("lab {args}\n    {}\n", said(args)))
        .concat();
        insta::assert_snapshot!(all);
        assert!(
            all.lines().all(|line| line.len() < 240),
            "a refusal is longer than a sentence:\n{all}"
        );
    }
}
