//! Folders with a number and a name, `05-acks`, and the words by which people mean one.

/// The number in it, as `5`; none where it has none, as `market`.
pub(crate) fn number(folder: &str) -> Option<u32> {
    folder.split_once('-')?.0.parse().ok()
}

/// Whether a word means it: `5`, `05`, `acks`, `05-acks`, or what cargo calls a package of it, `lab-05-acks`.
pub(crate) fn is_meant(folder: &str, word: &str) -> bool {
    let own = number(folder);
    let name = match own {
        Some(_) => folder.split_once('-').map_or(folder, |(_, name)| name),
        None => folder,
    };
    let package = ["lab-", "solution-"]
        .iter()
        .any(|kind| word.strip_prefix(kind) == Some(folder));
    (own.is_some() && word.parse().ok() == own) || word == name || word == folder || package
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_meant_by_number_name_and_package() {
        for word in ["5", "05", "acks", "05-acks", "lab-05-acks", "solution-05-acks"] {
            assert!(is_meant("05-acks", word), "{word}");
        }
        for word in ["6", "05-", "ack", "lab-acks", "", "-acks"] {
            assert!(!is_meant("05-acks", word), "{word}");
        }
        assert!(is_meant("market", "market"), "a folder without a number");
        assert!(!is_meant("market", "5"), "no number is no number's");
    }
}
