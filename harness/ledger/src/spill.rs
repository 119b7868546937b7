//! External hash partitioning: records go to bucket files by a hash, so that all records of one key meet in one file
//! that fits in memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::LedgerError;

/// 64 KiB per bucket: 512 buckets then hold 32 MiB, and every write to the disk is long enough.
const BUFFER: usize = 64 * 1024;

/// Bucket files being written.
pub(crate) struct Buckets {
    files: Vec<(PathBuf, BufWriter<File>)>,
}

impl Buckets {
    /// Creates `count` (a power of two) empty files in `folder`.
    pub(crate) fn create(folder: &Path, name: &str, count: usize) -> Result<Self, LedgerError> {
        let create = |i| {
            let path = folder.join(format!("{name}-{i:03}"));
            let file = File::create(&path).map_err(LedgerError::file(&path))?;
            Ok((path, BufWriter::with_capacity(BUFFER, file)))
        };
        Ok(Self {
            files: (0..count).map(create).collect::<Result<_, LedgerError>>()?,
        })
    }

    /// Appends a record to the bucket of its hash.
    #[inline]
    pub(crate) fn write(&mut self, hash: u64, record: &[u8]) -> Result<(), LedgerError> {
        let at = (hash >> 32) as usize & (self.files.len() - 1);
        let (path, file) = &mut self.files[at];
        file.write_all(record).map_err(|error| LedgerError::File {
            path: path.clone(),
            error,
        })
    }

    /// Flushes all; the files are then to be read one at a time with [`take`].
    pub(crate) fn finish(self) -> Result<Vec<PathBuf>, LedgerError> {
        let flush = |(path, mut file): (PathBuf, BufWriter<File>)| {
            file.flush().map_err(LedgerError::file(&path))?;
            Ok(path)
        };
        self.files.into_iter().map(flush).collect()
    }
}

/// Reads a bucket into `bytes` and removes the file: the disk is free again as the pass goes on.
pub(crate) fn take(path: &Path, bytes: &mut Vec<u8>) -> Result<(), LedgerError> {
    use std::io::Read;
    bytes.clear();
    let mut file = File::open(path).map_err(LedgerError::file(path))?;
    file.read_to_end(bytes).map_err(LedgerError::file(path))?;
    drop(file);
    std::fs::remove_file(path).map_err(LedgerError::file(path))
}

/// Mixes a key of two words (the finaliser of SplitMix64, by Steele, Lea and Flood): sequential ids would otherwise fill
/// the buckets unevenly. Fixed, so that two audits of one run give the same report.
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One bit for each offset of a partition: 12.5 MB for 10⁸ offsets, where a list of 10⁸ repeats would take 800 MB.
#[derive(Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn set(&mut self, offset: i64) {
        let at = offset as usize / 64;
        if at >= self.0.len() {
            self.0.resize((at + 1).next_multiple_of(1024), 0);
        }
        self.0[at] |= 1 << (offset as usize % 64);
    }

    #[inline]
    pub(crate) fn get(&self, offset: i64) -> bool {
        self.0
            .get(offset as usize / 64)
            .is_some_and(|word| word >> (offset as usize % 64) & 1 == 1)
    }
}
