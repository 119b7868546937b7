//! The hashes of three clients, and one of 64 bits for stores.

/// 32-bit MurmurHash2 (Austin Appleby, public domain) with the seed that Kafka uses; the value as Java holds it, so it
/// may be negative.
///
/// With M = `0x5bd1_e995`, and all arithmetic modulo 2³²:
/// - Begin with seed `0x9747_b28c` ⊕ the key's length.
/// - For each whole word of 4 bytes, the first byte the lowest on every machine: k = word · M; k ⊕= k >> 24; the hash
///   becomes (hash · M) ⊕ (k · M).
/// - If 1 to 3 bytes are left, again the first one the lowest: hash ⊕= those; hash = hash · M.
/// - In the end: hash ⊕= hash >> 13; hash = hash · M; hash ⊕= hash >> 15.
///
/// Every shift fills with zeros: Java writes `>>>`.
#[inline]
pub fn murmur2(key: &[u8]) -> i32 {
    todo!("task 1: MurmurHash2 with Kafka's seed")
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

/// A hash of 64 bits for [`jump`](crate::jump), [`rendezvous`](crate::rendezvous) and [`Ring`](crate::Ring): FNV-1a, and
/// [`mix`] behind it.
///
/// What is stored by a hash is found by it years later, so it must be one that is written down somewhere. The hashers of
/// hash maps are faster and promise nothing: theirs may change with the next version, or with each process.
#[inline]
pub fn hash64(key: &[u8]) -> u64 {
    mix(key.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }))
}

/// Every bit of the result depends on every bit of `x`, and no two have the same result: one step of SplitMix64 (Steele, Lea,
/// Flood 2014). For numbers that are far from random, such as ids that are a time with zeros behind it.
#[inline]
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
