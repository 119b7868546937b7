//! Where a partition ends, as the newest fetch said: a look into the client's memory, without a request.

use std::ffi::CString;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::rebalance::Rebalances;

/// The offset that the next record of the partition will get, if a fetch has said so yet. As fresh as the newest fetch: up to
/// `fetch_wait` behind, and standing still while the partition is paused.
///
/// Asking the broker (`fetch_watermarks`) costs a round trip per partition; the client's own statistics cost a JSON document.
pub(crate) fn cached_end(consumer: &BaseConsumer<Rebalances>, topic: &str, partition: i32) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1_i64, -1_i64);
    // SAFETY: `native_ptr` is valid while `consumer` is borrowed; `topic` is a C string and `low` and `high` are writable
    // integers, all alive during the call, which keeps none of them; the function locks what it reads and may be called
    // from any thread (rdkafka.h, `rd_kafka_get_watermark_offsets`).
    #[allow(unsafe_code)]
    let error = unsafe {
        rdkafka::bindings::rd_kafka_get_watermark_offsets(
            consumer.client().native_ptr(),
            topic.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    (error == rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
}
