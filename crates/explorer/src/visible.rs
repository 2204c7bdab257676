//! Characters that are not seen, but change what is: they are written out.

use std::fmt::Write as _;

/// Ranges of characters without a shape: controls, zero-width and blank ones, and those that turn the direction of what stands beside them.
const HIDDEN: [(char, char); 18] = [
    ('\0', '\u{8}'),
    ('\u{b}', '\u{c}'),
    ('\u{e}', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Returns `text` with `\u{202e}` in the place of a character that turns it around, and so on.
pub(crate) fn visible(text: String) -> String {
    if !text.chars().any(is_hidden) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for each in text.chars() {
        if is_hidden(each) {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(each));
        } else {
            shown.push(each);
        }
    }
    shown
}

fn is_hidden(each: char) -> bool {
    HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_written_out_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text.to_owned()), expected);
        check("Gold", "Gold");
        check("Gold\u{202e}dloG", "Gold\\u{202e}dloG");
        check("Go\u{200b}ld\u{feff}", "Go\\u{200b}ld\\u{feff}");
        check("a\u{7}\u{1b}[31m", "a\\u{7}\\u{1b}[31m");
        check("two\nlines\tand é, 金, עברית, 🌾", "two\nlines\tand é, 金, עברית, 🌾");
    }
}
