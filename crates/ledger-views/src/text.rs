//! Text that strangers have written.

/// Replaces characters that steer a terminal, break a line, or hide or reverse text.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// As [`one_line`], but keeps the ends of lines.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|each| if each == '\n' { each } else { shown(each) }).collect()
}

fn shown(character: char) -> char {
    if character.is_control() || units::is_hidden(character) { '\u{fffd}' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_not_steer_the_terminal() {
        assert_eq!(one_line("GRAIN / USD, \u{20ac}"), "GRAIN / USD, \u{20ac}");
        let steering = "A\u{1b}[2J\nanswer  1\r\u{202e}B\u{200b}";
        let plain = "A\u{fffd}[2J\u{fffd}answer  1\u{fffd}\u{fffd}B\u{fffd}";
        assert_eq!(one_line(steering), plain);
        let plain = "A\u{fffd}[2J\nanswer  1\u{fffd}\u{fffd}B\u{fffd}";
        assert_eq!(lines(steering), plain);
    }
}
