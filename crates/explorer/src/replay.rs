//! What happened inside of a transaction, by executing it again.

use alloy_consensus::ReceiptEnvelope;
use alloy_primitives::Address;
use execution::{Frame, FrameKind, FrameOptions, Replay, Trace, Tracer};
use maud::{Markup, html};
use store::{Block, StoreError};

use crate::{decode, layout, names::Names};

/// A transaction is executed again when it and those before it in its block used at most so much gas: whoever looks at a page must not keep the node busy.
const GAS_MAX: u64 = 10_000_000;
/// Calls that are shown at most.
const CALLS_MAX: usize = 150;
/// Depth to which calls are shown.
const DEPTH_MAX: usize = 16;

/// The calls of a transaction; `None` when the state before it is not kept any more, or it would take too long.
pub(crate) fn calls(
    names: &Names<'_>,
    block: &Block,
    receipts: &[ReceiptEnvelope],
    index: usize,
) -> Result<Option<Frame>, StoreError> {
    let gas = receipts.get(index).map_or(u64::MAX, ReceiptEnvelope::cumulative_gas_used);
    let Some(parent) = block.header.number.checked_sub(1).filter(|_| gas <= GAS_MAX) else {
        return Ok(None);
    };
    let Some(state) = names.ledger().reader().at(parent)? else { return Ok(None) };
    let Block { header, transactions, .. } = block;
    let rules = names.ledger().node().rules();
    let replay = Replay { state: &state, rules: &rules, header, transactions };
    let tracer = Tracer::Calls(FrameOptions { with_logs: false, only_top: false });
    Ok(match replay.trace(index, &tracer) {
        Ok(Trace::Calls(frame)) => Some(frame),
        Ok(Trace::Prestate(_) | Trace::Steps { .. }) => None,
        // A tree that is too large, or a ledger that went back meanwhile: there is nothing to show.
        Err(_) => None,
    })
}

/// Why a call failed: its error by name with a sentence, or the machine's word for it.
pub(crate) fn failure(frame: &Frame) -> Option<Markup> {
    let machine = frame.error.as_ref()?;
    Some(match decode::error(&frame.output) {
        Some((name, words)) => html! { span class="bad" { (name) } ": " (words) },
        None if frame.output.is_empty() => html! { span class="bad" { (machine) } },
        None => {
            html! { span class="bad" { (machine) } " " (layout::mono(decode::hexadecimal(&frame.output))) }
        }
    })
}

/// The tree of calls by name, one a line. It uses no recursion: calls can be 1,024 deep.
pub(crate) fn tree(names: &Names<'_>, root: &Frame) -> Markup {
    let mut rows = Vec::new();
    let mut open = vec![(root, 0)];
    let mut hidden = 0_usize;
    while let Some((frame, depth)) = open.pop() {
        if rows.len() >= CALLS_MAX || depth >= DEPTH_MAX {
            hidden += 1;
            continue;
        }
        rows.push(line(names, frame, depth));
        open.extend(frame.calls.iter().rev().map(|call| (call, depth + 1)));
    }
    html! {
        pre class="tree" { @for row in &rows { (row) "\n" } }
        @if hidden > 0 { p class="quiet" { "and " (hidden) " more" } }
    }
}

fn line(names: &Names<'_>, frame: &Frame, depth: usize) -> Markup {
    let value = frame.value.filter(|value| !value.is_zero());
    let what = match (frame.kind, &frame.to) {
        (FrameKind::Create | FrameKind::Create2, Some(to)) => {
            html! { "new contract " (names.account(to)) }
        }
        (FrameKind::Create | FrameKind::Create2, None) => html! { "new contract" },
        (FrameKind::SelfDestruct, Some(to)) => html! { "self-destruction to " (names.account(to)) },
        (_, None) => html! { "call" },
        (_, Some(to)) => called(names, frame, to),
    };
    html! {
        ("    ".repeat(depth)) (what)
        @if let Some(value) = value { "  " span class="note" { (layout::grain(value)) " GRAIN" } }
        @if let Some(failure) = failure(frame) { "  " (failure) }
    }
}

fn called(names: &Names<'_>, frame: &Frame, to: &Address) -> Markup {
    let call = decode::call(names, to, &frame.input);
    let name = match (&call, frame.input.get(..4)) {
        (Some(call), _) => html! { b { (call.summary()) } },
        (None, Some(selector)) => layout::mono(alloy_primitives::hex::encode_prefixed(selector)),
        (None, None) if frame.input.is_empty() => html! { "transfer" },
        (None, None) => html! { "call" },
    };
    let how = match frame.kind {
        FrameKind::StaticCall => " (static)",
        FrameKind::DelegateCall | FrameKind::CallCode => " (delegated)",
        _ => "",
    };
    html! { (names.account(to)) " " (name) span class="quiet" { (how) } }
}
