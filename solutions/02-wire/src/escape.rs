//! Strings with escapes: rare on this wire, so they are spelled out apart from the pass over the text.

/// The longest text that matters, and more.
pub(crate) const UNESCAPED: usize = 32;

/// A text without its escapes.
pub(crate) enum Unescaped<'b> {
    /// It.
    Text(&'b [u8]),
    /// Longer than any text that matters.
    TooLong,
    /// An escape is half a surrogate pair.
    NoText,
}

/// Spells out the escapes of a string that the scanner let pass.
#[cold]
pub(crate) fn unescape<'b>(text: &[u8], into: &'b mut [u8; UNESCAPED]) -> Unescaped<'b> {
    let mut length = 0;
    let mut at = 0;
    let mut fits = true;
    let mut push = |bytes: &[u8]| match into.get_mut(length..length + bytes.len()) {
        Some(room) => {
            room.copy_from_slice(bytes);
            length += bytes.len();
        }
        None => fits = false,
    };
    while at < text.len() {
        if text[at] != b'\\' {
            push(&text[at..=at]);
            at += 1;
            continue;
        }
        let escape = text.get(at + 1).copied().unwrap_or_default();
        at += 2;
        let plain = match escape {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            other => other,
        };
        if escape != b'u' {
            push(&[plain]);
            continue;
        }
        let first = hex(text, at);
        at += 4;
        let code = match first {
            0xD800..=0xDBFF => {
                let second = if text[at.min(text.len())..].starts_with(b"\\u") {
                    hex(text, at + 2)
                } else {
                    0
                };
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Unescaped::NoText;
                }
                at += 6;
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        match char::from_u32(code) {
            Some(character) => push(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return Unescaped::NoText,
        }
    }
    if fits {
        Unescaped::Text(&into[..length])
    } else {
        Unescaped::TooLong
    }
}

/// Four hex digits at a place; the scanner has checked them.
fn hex(text: &[u8], at: usize) -> u32 {
    text.get(at..at + 4)
        .unwrap_or_default()
        .iter()
        .fold(0, |value, &digit| {
            value << 4 | char::from(digit).to_digit(16).unwrap_or_default()
        })
}
