//! Text that others choose, and text inside of text.

/// Characters of a symbol at most; of a longer one the last is an ellipsis.
const SYMBOL_SIZE: usize = 12;
/// Bytes of a symbol that are looked at.
const BYTES_MAX: usize = 64;

/// Returns the symbol that an asset answers, fit to be shown: at most 12 characters, letters, digits and signs of a few scripts, anything else as `?`. `None` if there
/// is none.
///
/// `answer` is the return data of `symbol()`: a string, or 32 bytes that end with zeros, as old assets have it.
///
/// Allowed characters are listed here, not asked of the standard library: its tables change from release to release, and every node must answer the same.
pub(crate) fn symbol(answer: &[u8]) -> Option<String> {
    let bytes = encoded(answer)?;
    let text = String::from_utf8_lossy(bytes.get(..BYTES_MAX).unwrap_or(bytes));
    let mut cleaned: Vec<char> =
        text.chars().map(|it| if is_shown(it) { it } else { '?' }).collect();
    if cleaned.len() > SYMBOL_SIZE || bytes.len() > BYTES_MAX {
        cleaned.truncate(SYMBOL_SIZE.saturating_sub(1));
        cleaned.push('…');
    }
    let cleaned: String = cleaned.into_iter().collect();
    let is_seen = cleaned.chars().any(|it| it != ' ');
    is_seen.then_some(cleaned)
}

/// Returns the bytes of a string, or of a word.
fn encoded(answer: &[u8]) -> Option<&[u8]> {
    if answer.len() == 32 {
        let end = answer.iter().position(|byte| *byte == 0).unwrap_or(answer.len());
        return answer.get(..end);
    }
    let number = |word: &[u8]| -> Option<usize> {
        let (high, low) = word.split_at_checked(24)?;
        let low = u64::from_be_bytes(low.try_into().ok()?);
        if high.iter().all(|byte| *byte == 0) { usize::try_from(low).ok() } else { None }
    };
    let place = number(answer.get(..32)?)?;
    let begin = place.checked_add(32)?;
    let size = number(answer.get(place..begin)?)?;
    answer.get(begin..begin.checked_add(size)?)
}

/// Latin, Greek, Cyrillic, kana, Chinese characters, hangul; no marks that combine, no marks of direction.
fn is_shown(letter: char) -> bool {
    matches!(
        letter,
        ' '..='~'
            | '\u{a1}'..='\u{ac}'
            | '\u{ae}'..='\u{24f}'
            | '\u{391}'..='\u{3c9}'
            | '\u{400}'..='\u{45f}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
    )
}

/// Escapes text for an element of XML.
pub(super) fn in_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes text for a string of JSON.
pub(super) fn in_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Encodes bytes in Base64 with padding (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let at = |index: usize| group.get(index).copied().map_or(0, u32::from);
        let word = (at(0) << 16) | (at(1) << 8) | at(2);
        for (place, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
            let six = usize::try_from((word >> shift) & 63).unwrap_or_default();
            // A group of n bytes has n + 1 letters.
            let letter = LETTERS.get(six).filter(|_| place <= group.len());
            encoded.push(letter.map_or('=', |it| char::from(*it)));
        }
    }
    encoded
}
