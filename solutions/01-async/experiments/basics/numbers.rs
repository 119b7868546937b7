//! json-numbers: what becomes of a trade's numbers when somebody reads its JSON into doubles.

use market::{Decimal, Trade};
use measure::Teller;

use super::records::trades;
use crate::run::{Figures, Run};

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let trades = trades(run.pick(20_000, 20_000, 500))?;
    let mut teller = Teller::new(1);
    teller.step("each field by each reader");
    let mut figures = Figures::default();
    let mut says = |field: &str, reader: &str, same: &dyn Fn(&Trade) -> anyhow::Result<bool>| {
        let mut changed = 0u32;
        for trade in &trades {
            changed += u32::from(!same(trade)?);
        }
        let share = f64::from(changed) * 100.0 / trades.len() as f64;
        let arm = format!("field={field} reader={reader}");
        figures.add(&arm, "changed", share, trades.len() as u64);
        anyhow::Ok(())
    };
    // As JavaScript reads every number, and Python and Rust what has no type: into a double, and written again.
    says("id", "double", &|trade| {
        let read: f64 = serde_json::from_str(&trade.sequential_id.to_string())?;
        Ok(read as u64 == trade.sequential_id)
    })?;
    says("id", "integer", &|trade| {
        let read: u64 = serde_json::from_str(&trade.sequential_id.to_string())?;
        Ok(read == trade.sequential_id)
    })?;
    says("volume", "double", &|trade| {
        let read: f64 = trade.volume.to_string().parse()?;
        Ok(Decimal::parse(format!("{read}").as_bytes())? == trade.volume)
    })?;
    says("amount", "double", &|trade| {
        let exact = trade.amount().map(|amount| amount.to_string()).unwrap_or_default();
        let product = trade.price.to_f64() * trade.volume.to_f64();
        let digits = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        Ok(digits(&format!("{product}")) == digits(&exact))
    })?;
    says("amount", "decimal", &|trade| {
        let read = |exact: Decimal| Decimal::parse(exact.to_string().as_bytes());
        Ok(read(trade.price)?.checked_mul(read(trade.volume)?) == trade.amount())
    })?;
    figures.tell(&teller);
    Ok(())
}
