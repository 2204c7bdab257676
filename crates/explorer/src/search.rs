//! Finds the page for a search text.

use crate::{Answer, NoPage, Shown, pools, value};
use alloy_primitives::{Address, B256};
use node::Node;

pub(crate) fn find(node: &Node, query: &str) -> Answer {
    let asked = decoded(value(query, "q").unwrap_or_default());
    let asked = asked.trim();
    for kind in ["run", "asset", "position"] {
        // A symbol may begin with such a word.
        let numbered =
            |rest: &&str| !rest.starts_with(|letter: char| letter.is_alphabetic() || letter == '/');
        if let Some(rest) = asked.strip_prefix(kind).filter(numbered) {
            return Ok(Shown::Elsewhere(format!("/{kind}/{}", number(rest.trim())?)));
        }
    }
    if let Ok(address) = asked.parse::<Address>() {
        return Ok(Shown::Elsewhere(format!("/account/{address:#x}")));
    }
    if let Ok(hash) = asked.parse::<B256>() {
        let is_block = node.reader()?.block_number(&hash)?.is_some();
        let kind = if is_block { "block" } else { "tx" };
        return Ok(Shown::Elsewhere(format!("/{kind}/{hash:#x}")));
    }
    if let Ok(block) = asked.parse::<u64>() {
        return Ok(Shown::Elsewhere(format!("/block/{block}")));
    }
    // What is left may be the symbols of a pool.
    match pools::symbols(asked).len() {
        1 | 2 if !asked.starts_with("0x") => {
            Ok(Shown::Elsewhere(format!("/pools?symbols={}", encoded(asked))))
        }
        _ => Err(unknown(asked)),
    }
}

fn number(text: &str) -> Result<u64, NoPage> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(text: &str) -> NoPage {
    let shown: String = text.chars().take(80).collect();
    NoPage::NotFound(format!("block, transaction, account, run, asset or pool called “{shown}”"))
}

/// Encodes a text for a query: letters and digits stay, any other byte is `%` and two digits.
fn encoded(text: &str) -> String {
    let mut shown = String::new();
    for byte in text.bytes().take(200) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => shown.push(char::from(byte)),
            byte => shown.push_str(&format!("%{byte:02x}")),
        }
    }
    shown
}

/// Decodes the text of a form: `+` is a space, `%20` a byte.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded};

    #[test]
    fn the_text_of_a_form_is_decoded() {
        for (text, expected) in [
            ("run+1", "run 1"),
            ("a%20b", "a b"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(text), expected);
        }
    }
    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["GOLD/GRAIN", "a b&c=d#e", "é 金"] {
            let there = encoded(text);
            assert!(there.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'));
            assert_eq!(decoded(&there), text);
        }
    }
}
