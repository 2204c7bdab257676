//! The fees of transactions.

use crate::{
    error::{Answer, internal, invalid, pruned, refused},
    parameters::{Count, number_of},
};
use alloy_consensus::{Header, Transaction as _};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::FeeHistory;
use execution::next_base_fee;
use node::Node;
use store::Reader;

/// The suggested tip, in the smallest unit per gas: blocks are seldom full, so that any tip is enough.
pub(crate) const TIP: U64 = U64::from_limbs([1]);

/// The price of blob gas, which this ledger does not have: Ethereum's minimum, as the opcode `BLOBBASEFEE` returns here.
pub(crate) const BLOB_BASE_FEE: U64 = U64::from_limbs([1]);

/// Most blocks of one history; a longer request is shortened, as in geth.
const HISTORY_BLOCKS_MAX: u64 = 1_024;
/// Most percentiles of one history.
const PERCENTILES_MAX: usize = 100;

/// Returns the price for transactions without EIP-1559: enough even after a full block, which raises the base fee by
/// at most 1/8.
pub(crate) fn gas_price(node: &Node) -> Answer<U256> {
    let base_fee = U256::from(node.next_base_fee());
    Ok(base_fee + base_fee / U256::from(8) + U256::from(TIP))
}

/// Returns the fee per gas and the tip of the next transaction, where `max_fee` and `tip` do not set them: enough
/// also after several full blocks.
pub(crate) fn of_next(node: &Node, max_fee: Option<u128>, tip: Option<u128>) -> (u128, u128) {
    let base_fee = u128::from(node.next_base_fee());
    let wished = tip.unwrap_or(TIP.to());
    let max_fee = max_fee.unwrap_or_else(|| base_fee.saturating_mul(2).saturating_add(wished));
    (max_fee, tip.unwrap_or_else(|| wished.min(max_fee)))
}

pub(crate) fn history(
    node: &Node,
    count: Count,
    newest: BlockNumberOrTag,
    percentiles: Option<Vec<f64>>,
) -> Answer<FeeHistory> {
    check_percentiles(percentiles.as_deref().unwrap_or_default())?;
    let reader = node.reader().map_err(internal)?;
    let head = reader.head().number;
    let newest = number_of(head, newest);
    if newest > head {
        return Err(refused(format!("request beyond head block: requested {newest}, head {head}")));
    }
    let first = reader.first_block();
    if newest < first {
        return Err(pruned(first));
    }
    // At the beginning of a chain there are fewer blocks: wallets accept a shorter history.
    let count = count.value().min(HISTORY_BLOCKS_MAX).min(newest + 1 - first);
    let oldest_block = if count == 0 { 0 } else { newest + 1 - count };
    let mut history = FeeHistory {
        oldest_block,
        reward: percentiles.as_ref().map(|_| Vec::new()),
        ..FeeHistory::default()
    };
    for number in (oldest_block..=newest).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        crate::abandonment::check()?;
        let header = reader.header(number).map_err(internal)?;
        let header = header.ok_or_else(|| pruned(first))?;
        history.base_fee_per_gas.push(base_fee(&header).into());
        history.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        if let (Some(rewards), Some(percentiles)) = (&mut history.reward, &percentiles) {
            rewards.push(block_rewards(&reader, &header, percentiles)?);
        }
        if number == newest {
            let next = match number == node.head().number {
                true => node.next_base_fee(),
                false => next_base_fee(&header, &node.rules().base_fee),
            };
            history.base_fee_per_gas.push(next.into());
        }
    }
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Answer<()> {
    if percentiles.len() > PERCENTILES_MAX {
        return Err(invalid(format!("more than {PERCENTILES_MAX} reward percentiles")));
    }
    let is_valid = percentiles.iter().all(|percentile| (0.0..=100.0).contains(percentile))
        && percentiles.is_sorted();
    if is_valid { Ok(()) } else { Err(invalid("reward percentiles must rise from 0 to 100")) }
}

/// Returns the tips at the percentiles of a block's gas; zeros for an empty block.
fn block_rewards(reader: &Reader, header: &Header, percentiles: &[f64]) -> Answer<Vec<u128>> {
    let nothing = || vec![0; percentiles.len()];
    let block = reader.block(header.number).map_err(internal)?;
    let block = block.ok_or_else(|| pruned(reader.first_block()))?;
    let receipts = reader.receipts(header.number).map_err(internal)?.unwrap_or_default();
    let mut before = 0;
    let mut tips: Vec<(u128, u64)> = Vec::with_capacity(receipts.len());
    for (transaction, receipt) in block.transactions.iter().zip(receipts) {
        let total = receipt.cumulative_gas_used();
        let tip = transaction.effective_tip_per_gas(base_fee(header)).unwrap_or_default();
        tips.push((tip, total - before));
        before = total;
    }
    if tips.is_empty() {
        return Ok(nothing());
    }
    tips.sort_unstable();
    let at = |percentile: &f64| {
        let mut sum = 0;
        let reached = tips.iter().find(|(_, gas)| {
            sum += gas;
            ratio(sum, header.gas_used) * 100.0 >= *percentile
        });
        reached.or(tips.last()).map_or(0, |(tip, _)| *tip)
    };
    Ok(percentiles.iter().map(at).collect())
}

fn base_fee(header: &Header) -> u64 {
    header.base_fee_per_gas.unwrap_or_default()
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "gas is far below 2^53, and the ratio is only displayed"
    )]
    let ratio = part as f64 / whole.max(1) as f64;
    ratio
}
