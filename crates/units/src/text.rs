//! Invisible characters.

/// Ranges of characters that are drawn as nothing, or that change the order or the meaning of the characters around them.
///
/// Source: Unicode 16, `DerivedCoreProperties.txt` (`Default_Ignorable_Code_Point`), `PropList.txt` (`Bidi_Control`),
/// and the categories `Zl` and `Zp`; also the blank Braille pattern.
const HIDDEN: [(char, char); 18] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Returns whether `character` is invisible: it has no width, or reverses the text around it. Control characters are not
/// included: [`char::is_control`] finds those.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_width_or_reverses_text_is_hidden() {
        for hidden in ['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2066}', '\u{feff}'] {
            assert!(is_hidden(hidden), "U+{:04X}", u32::from(hidden));
        }
        for seen in " azAZ09-_.Äß中文עברית\u{a0}\u{2010}\u{2014}".chars() {
            assert!(!is_hidden(seen), "U+{:04X}", u32::from(seen));
        }
    }

    #[test]
    fn the_ranges_rise() {
        for (one, next) in HIDDEN.iter().zip(HIDDEN.iter().skip(1)) {
            assert!(one.0 <= one.1 && one.1 < next.0);
        }
    }
}
