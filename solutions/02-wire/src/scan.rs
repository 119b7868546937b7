//! One pass over a JSON text: checks its grammar to the last byte and notes where the members that matter stand.
//!
//! Why not `serde_json`: to keep a number exact it must be kept as text (`RawValue`), and then every frame pays for a
//! visitor per member. An exchange frame is one flat object of twenty members of which nine matter; noting nine spans and
//! skipping the rest costs less than half. The grammar is RFC 8259; duplicates are noted, because a frame that names two
//! prices has none.

/// Nesting deeper than this is refused. The exchange nests three deep.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The text breaks the grammar at a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// What stood there that should not.
    pub(crate) what: &'static str,
    /// Where.
    pub(crate) at: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not there.
    Absent,
    /// The span is the text between the quotes, without an escape.
    Plain,
    /// The same, with at least one escape.
    Escaped,
    /// The span is the number's text.
    Number,
    Object,
    Array,
    /// `true`, `false` or `null`.
    Word,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Plain | Self::Escaped => "a string",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Word => "true, false or null",
        }
    }
}

/// A value: what it is and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    from: u32,
    to: u32,
}

impl Value {
    const ABSENT: Self = Self {
        kind: Kind::Absent,
        from: 0,
        to: 0,
    };

    /// Its text in the scanned bytes.
    #[inline]
    pub(crate) fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// The members that matter, in any of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Field {
    Type,
    Market,
    Sent,
    Event,
    Price,
    Volume,
    Side,
    Id,
    Stream,
    Status,
    Error,
}

const FIELDS: usize = 11;

/// One object: its members that matter.
#[derive(Debug)]
pub(crate) struct Members {
    values: [Value; FIELDS],
    twice: u16,
}

impl Members {
    #[inline]
    pub(crate) fn get(&self, field: Field) -> Value {
        self.values[field as usize]
    }

    /// Whether the object has the member more than once.
    #[inline]
    pub(crate) fn twice(&self, field: Field) -> bool {
        self.twice & (1 << field as u16) != 0
    }

    /// Whether any of the members stands more than once.
    #[inline]
    pub(crate) fn any_twice(&self) -> bool {
        self.twice != 0
    }
}

/// Which key means which field: one table per format.
pub(crate) trait Keys {
    /// The field that a key names, if it matters.
    fn field(key: &[u8]) -> Option<Field>;
}

/// What a byte is inside a string: 0 plain, 1 the end, an escape or a control character.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// A place in a text.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of a text that is known to be UTF-8 and shorter than 4 GiB.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[cold]
    #[inline(never)]
    fn wrong<T>(&self, what: &'static str) -> Result<T, Syntax> {
        Err(Syntax { what, at: self.at })
    }

    /// The byte here; 0, which no grammar rule allows, at the end.
    #[inline(always)]
    fn here(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Steps over white space and tells the byte there.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u8 {
        let byte = self.here();
        if byte > b' ' { byte } else { self.next_after_space() }
    }

    #[inline(never)]
    fn next_after_space(&mut self) -> u8 {
        while matches!(self.here(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.here()
    }

    /// Steps over a byte that [`Scanner::next`] told.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Syntax> {
        self.next();
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            self.wrong("something after the end")
        }
    }

    /// Reads an object whose brace is next.
    #[inline]
    pub(crate) fn members<K: Keys>(&mut self) -> Result<Members, Syntax> {
        let mut members = Members {
            values: [Value::ABSENT; FIELDS],
            twice: 0,
        };
        let mut seen = 0u16;
        if self.next() != b'{' {
            return self.wrong("no object");
        }
        self.step();
        if self.next() == b'}' {
            self.step();
            return Ok(members);
        }
        loop {
            if self.next() != b'"' {
                return self.wrong("no key");
            }
            let key = self.string()?;
            if self.next() != b':' {
                return self.wrong("no colon after a key");
            }
            self.step();
            let value = self.value()?;
            let field = match key.kind {
                Kind::Plain => K::field(key.of(self.bytes)),
                // A key may be spelled with escapes; one that cannot be spelled out (half a surrogate pair) names nothing.
                _ => match unescape(key.of(self.bytes), &mut [0; UNESCAPED]) {
                    Unescaped::Text(text) => K::field(text),
                    Unescaped::TooLong => None,
                    Unescaped::NoText => return self.wrong("half a surrogate pair in a key"),
                },
            };
            if let Some(field) = field {
                let bit = 1 << field as u16;
                members.twice |= seen & bit;
                seen |= bit;
                members.values[field as usize] = value;
            }
            match self.next() {
                b',' => self.step(),
                b'}' => {
                    self.step();
                    return Ok(members);
                }
                _ => return self.wrong("no comma or brace after a value"),
            }
        }
    }

    /// Reads any value.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Result<Value, Syntax> {
        match self.next() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' | b'[' => self.nested(),
            _ => self.word(),
        }
    }

    /// Reads a string whose quote is here.
    #[inline(always)]
    fn string(&mut self) -> Result<Value, Syntax> {
        self.at += 1;
        let from = self.at;
        let mut kind = Kind::Plain;
        loop {
            let Some(length) = self.bytes[self.at..]
                .iter()
                .position(|&byte| SPECIAL[usize::from(byte)])
            else {
                self.at = self.bytes.len();
                return self.wrong("the end inside a string");
            };
            self.at += length;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(Value {
                        kind,
                        from: from as u32,
                        to: (self.at - 1) as u32,
                    });
                }
                b'\\' => {
                    kind = Kind::Escaped;
                    self.escape()?;
                }
                _ => return self.wrong("a control character inside a string"),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Syntax> {
        self.at += 1;
        match self.here() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(())
            }
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.here().is_ascii_hexdigit() {
                        return self.wrong("no hex digit after \\u");
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.wrong("an unknown escape"),
        }
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), Syntax> {
        let from = self.at;
        while self.here().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == from {
            return self.wrong("no digit in a number");
        }
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Result<Value, Syntax> {
        let from = self.at;
        if self.here() == b'-' {
            self.at += 1;
        }
        if self.here() == b'0' {
            self.at += 1;
            if self.here().is_ascii_digit() {
                return self.wrong("a zero before a number");
            }
        } else {
            self.digits()?;
        }
        if self.here() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.here(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.here(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value {
            kind: Kind::Number,
            from: from as u32,
            to: self.at as u32,
        })
    }

    #[inline(never)]
    fn word(&mut self) -> Result<Value, Syntax> {
        let rest = &self.bytes[self.at..];
        let from = self.at;
        for word in [&b"null"[..], b"true", b"false"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(Value {
                    kind: Kind::Word,
                    from: from as u32,
                    to: self.at as u32,
                });
            }
        }
        self.wrong(if rest.is_empty() { "the end" } else { "no value" })
    }

    /// Steps over an object or an array of any content, without recursion: a hostile frame must not exhaust the stack.
    #[inline(never)]
    fn nested(&mut self) -> Result<Value, Syntax> {
        let from = self.at;
        let kind = if self.here() == b'{' { Kind::Object } else { Kind::Array };
        let mut objects = 0u128; // bit n: whether level n is an object
        let mut depth = 0u32;
        loop {
            // A value begins here.
            let opens = match self.next() {
                b'{' | b'[' if depth == MAX_DEPTH => return self.wrong("nesting too deep"),
                byte @ (b'{' | b'[') => {
                    let object = byte == b'{';
                    objects = (objects << 1) | u128::from(object);
                    depth += 1;
                    self.step();
                    let close = if object { b'}' } else { b']' };
                    self.next() != close
                }
                _ => {
                    self.value_flat()?;
                    false
                }
            };
            if opens {
                if objects & 1 == 1 {
                    self.key()?;
                }
                continue;
            }
            // A value has ended, or an empty container is about to.
            loop {
                let object = objects & 1 == 1;
                match self.next() {
                    b',' => {
                        self.step();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ => return self.wrong("no comma or bracket after a value"),
                }
                self.step();
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(Value {
                        kind,
                        from: from as u32,
                        to: self.at as u32,
                    });
                }
            }
        }
    }

    fn value_flat(&mut self) -> Result<Value, Syntax> {
        match self.next() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn key(&mut self) -> Result<(), Syntax> {
        if self.next() != b'"' {
            return self.wrong("no key");
        }
        self.string()?;
        if self.next() != b':' {
            return self.wrong("no colon after a key");
        }
        self.step();
        Ok(())
    }
}

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
