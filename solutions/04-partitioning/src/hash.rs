//! The hashes of three clients.

/// 32-bit MurmurHash2 (Austin Appleby, public domain) with the seed that Kafka uses; the value as Java holds it.
#[inline]
pub fn murmur2(key: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        // Little-endian by definition: a hash that followed the machine would place keys by machine.
        let mut k = word
            .iter()
            .rev()
            .fold(0, |k, byte| k << 8 | u32::from(*byte))
            .wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |k, byte| k << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash as i32
}

/// CRC-32 as in Ethernet and zip (IEEE 802.3, reflected).
#[inline]
pub fn crc32(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

/// 32-bit FNV-1a (Fowler, Noll, Vo).
#[inline]
pub fn fnv1a_32(key: &[u8]) -> u32 {
    key.iter().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// FNV-1a as Sarama's hash partitioner takes it: negated when it is negative. The smallest number has no opposite and
/// stays; its magnitude is what places it.
#[inline]
pub fn fnv1a(key: &[u8]) -> i32 {
    (fnv1a_32(key) as i32).wrapping_abs()
}
