//! The members of an object that matter: which key names which, and where their values stand.

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
    /// The bytes from one place to another; the text is shorter than 4 GiB.
    #[inline(always)]
    pub(crate) fn new(kind: Kind, from: usize, to: usize) -> Self {
        let (from, to) = (from as u32, to as u32);
        Self { kind, from, to }
    }

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

/// How many there are.
const FIELDS: usize = 11;

/// One object: its members that matter.
#[derive(Debug)]
pub(crate) struct Members {
    values: [Value; FIELDS],
    seen: u16,
    twice: u16,
}

impl Members {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        let absent = Value::new(Kind::Absent, 0, 0);
        Self {
            values: [absent; FIELDS],
            seen: 0,
            twice: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn note(&mut self, field: Field, value: Value) {
        let bit = 1 << field as u16;
        self.twice |= self.seen & bit;
        self.seen |= bit;
        self.values[field as usize] = value;
    }

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
    /// The field that a key of up to six bytes names, if it matters; the key is a number, see [`word`]. Comparing a number
    /// costs less than comparing a slice, and every key of the SIMPLE format is so short.
    fn short(key: u64) -> Option<Field>;

    /// The same for a longer key. By length first: a match of slices alone compares with one after the other.
    fn long(key: &[u8]) -> Option<Field>;

    /// The same for any key.
    #[inline]
    fn field(key: &[u8]) -> Option<Field> {
        if key.len() <= 6 {
            Self::short(word(key))
        } else {
            Self::long(key)
        }
    }
}

/// A key of up to six bytes as a number: the bytes in little-endian order.
pub(crate) const fn word(key: &[u8]) -> u64 {
    assert!(key.len() <= 6);
    let mut word = 0;
    let mut i = 0;
    while i < key.len() {
        word |= (key[i] as u64) << (8 * i);
        i += 1;
    }
    word
}
