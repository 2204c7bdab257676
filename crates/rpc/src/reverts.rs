//! The reason of a revert, in the text that clients compare.

use alloy_primitives::hex;
use alloy_sol_types::{Panic, Revert, SolError};

/// Most bytes of a custom error's values that are reported; the rest is cut off.
const VALUES_MAX: usize = 256;

/// Returns the reason that `output` encodes, in anvil's text; `None` when it has no selector.
pub(crate) fn reason(output: &[u8]) -> Option<String> {
    if let Ok(Revert { reason }) = Revert::abi_decode(output) {
        return Some(reason);
    }
    if let Ok(panic) = Panic::abi_decode(output) {
        let what = panic.kind().map_or("unknown code", |kind| kind.as_str());
        return Some(format!("panic: {what} ({:#04x})", panic.code));
    }
    let (selector, values) = output.split_at_checked(4)?;
    let error = format!("custom error {}", hex::encode_prefixed(selector));
    Some(match values.get(..VALUES_MAX) {
        None if values.is_empty() => error,
        None => format!("{error}: {}", hex::encode(values)),
        Some(start) => {
            format!("{error}: {}… ({} bytes)", hex::encode(start), values.len())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn reasons_have_anvils_text() {
        let check = |output: &[u8], expected: Option<&str>| {
            assert_eq!(reason(output).as_deref(), expected, "{}", hex::encode(output));
        };
        check(&[], None);
        check(&[1, 2, 3], None);
        check(&Revert { reason: "too late".to_owned() }.abi_encode(), Some("too late"));
        check(
            &Panic { code: U256::from(0x11) }.abi_encode(),
            Some("panic: arithmetic underflow or overflow (0x11)"),
        );
        check(
            &Panic { code: U256::MAX }.abi_encode(),
            Some(&format!("panic: unknown code ({:#x})", U256::MAX)),
        );
        check(&hex!("82b42900"), Some("custom error 0x82b42900"));
        check(&hex!("82b4290007"), Some("custom error 0x82b42900: 07"));
        let long = [&hex!("82b42900")[..], &[7; 300]].concat();
        let text = reason(&long).unwrap();
        assert!(text.starts_with("custom error 0x82b42900: 0707"), "{text}");
        assert!(text.ends_with("… (300 bytes)") && text.len() < 600, "{text}");
    }
}
