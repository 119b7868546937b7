//! What must hold for any bytes: nothing panics, and a trade that was read is written and read back unchanged. Shared by
//! the fuzz target and by the corpus test of the wire.

use market::{Decode, Encoding, Frame, Trade};
use wire::FrameDecoder;

/// Checks all of it, as every kind of input.
///
/// # Panics
/// When an invariant is broken.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(Frame::Trade { trade, .. }) = FrameDecoder.frame(bytes) {
        round_trip(&trade);
    }
    if let Ok(trades) = FrameDecoder.ticks(bytes) {
        trades.iter().for_each(round_trip);
    }
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        if let Ok(trade) = wire::decode(encoding, bytes) {
            round_trip(&trade);
        }
    }
}

fn round_trip(trade: &Trade) {
    assert!(trade.validate().is_ok(), "an invalid trade was read: {trade:?}");
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let mut record = Vec::new();
        wire::encode(encoding, trade, &mut record);
        assert_eq!(wire::decode(encoding, &record), Ok(*trade), "as {encoding}");
    }
}
