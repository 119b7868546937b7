//! Vectors of key placement.

use serde_json::Value;

use super::Reject;
use super::claim::{self, Fields, Verdict, unclear};
use crate::parts::placement::{Partitioner, crc32, fnv1a, fnv1a_32, murmur2, partition_for};

pub(super) fn check(vector: &Fields) -> Verdict {
    let partitioner = match claim::text(vector, "algo") {
        "murmur2" => Partitioner::Murmur2,
        "consistent(crc32)" | "consistent" | "crc32" => Partitioner::Crc32,
        "fnv1a" => Partitioner::Fnv1a,
        "" => return Err(unclear("a vector without an algorithm")),
        other => return Err(Reject::NotOurs(format!("algorithm {other}"))),
    };
    let key = match vector.get("key") {
        Some(Value::String(key)) => Some(key.as_bytes()),
        Some(Value::Null) => None,
        other => return Err(unclear(format!("the key {other:?}"))),
    };
    let bytes = key.unwrap_or_default();
    let form = claim::text(vector, "form");
    let hash = match (partitioner, form.split(' ').next().unwrap_or_default()) {
        (Partitioner::Murmur2, "raw32" | "") => murmur2(bytes),
        (Partitioner::Murmur2, "masked31") => partitioner.hash(bytes) as i32,
        (Partitioner::Crc32, "raw32" | "") => crc32(bytes) as i32,
        (Partitioner::Fnv1a, "raw32") => fnv1a_32(bytes) as i32,
        (Partitioner::Fnv1a, "abs_i32" | "") => fnv1a(bytes),
        (partitioner, form) => return Err(unclear(format!("the form {form:?} of {partitioner:?}"))),
    };
    let claims = vector
        .iter()
        .filter(|(name, _)| name.starts_with("hash") || name.starts_with("partition"));
    let claims: Fields = claims.map(|(name, value)| (name.clone(), value.clone())).collect();
    claim::each(&claims, |name, value| {
        Some(match name {
            "hash_i32" => claim::int(value).and_then(|claimed| claim::equal("hash", &claimed, &i64::from(hash))),
            "hash_hex" => {
                let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
                match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
                    Some(claimed) => claim::equal("hash", &claimed, &(hash as u32)),
                    None => Err(unclear(format!("the hash {value}"))),
                }
            }
            "partition_of" => partitions(value, |count| partitioner.partition(key, count)),
            "partition_java" if partitioner == Partitioner::Murmur2 => {
                partitions(value, |count| partition_for(bytes, count))
            }
            _ => return None,
        })
    })
}

/// `{"partitions": partition, …}`.
fn partitions<E: std::fmt::Display>(claimed: &Value, place: impl Fn(i32) -> Result<i32, E>) -> Verdict {
    claim::by_number(claimed)?.into_iter().try_for_each(|(count, claimed)| {
        let count = i32::try_from(count).map_err(|_| unclear(format!("{count} partitions")))?;
        let given = place(count).map_err(|error| Reject::Differs(error.to_string()))?;
        claim::equal(
            &format!("partition of {count}"),
            &claim::int(claimed)?,
            &i64::from(given),
        )
    })
}
