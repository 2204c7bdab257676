//! Records of a CSV file (RFC 4180), with what people's programs make of it: byte order marks, all three kinds of line ends, blank lines.

use std::borrow::Cow;

/// Most bytes of a cell that is shown in an error.
const SHOWN_MAX: usize = 60;

/// Why a file is not a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// It is not text in UTF-8.
    #[error("line {line}: this is not text in UTF-8: save the file as CSV in UTF-8")]
    NotText {
        /// The line.
        line: usize,
    },
    /// A quote is not closed.
    #[error("line {line}: a quote is opened here and never closed")]
    OpenQuote {
        /// The line where it begins.
        line: usize,
    },
    /// Something follows a closing quote.
    #[error(
        "line {line}: a quoted cell goes on after its closing quote: double the quotes inside of it"
    )]
    AfterQuote {
        /// The line.
        line: usize,
    },
}

/// Reads records one by one.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    delimiter: u8,
}

/// A cell as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    bytes: &'a [u8],
    has_doubled_quotes: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], delimiter: u8) -> Result<Self, CsvError> {
        let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        if is_utf16 {
            return Err(CsvError::NotText { line: 1 });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Ok(Self { bytes, at: 0, line: 1, delimiter })
    }

    /// Reads the next record that is not a blank line, and returns the line where it begins; `None` at the end.
    pub(crate) fn next(&mut self, cells: &mut Vec<Cell<'a>>) -> Result<Option<usize>, CsvError> {
        cells.clear();
        while self.at < self.bytes.len() && self.skip_line_end() {}
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let line = self.line;
        loop {
            cells.push(self.cell()?);
            if self.bytes.get(self.at) == Some(&self.delimiter) {
                self.at += 1;
            } else {
                self.skip_line_end();
                return Ok(Some(line));
            }
        }
    }

    fn cell(&mut self) -> Result<Cell<'a>, CsvError> {
        if self.bytes.get(self.at) == Some(&b'"') {
            return self.quoted_cell();
        }
        let rest = &self.bytes[self.at..];
        let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        let size = rest.iter().position(is_end).unwrap_or(rest.len());
        self.at += size;
        Ok(Cell { bytes: &rest[..size], has_doubled_quotes: false })
    }

    fn quoted_cell(&mut self) -> Result<Cell<'a>, CsvError> {
        let opened = self.line;
        self.at += 1;
        let begin = self.at;
        let mut has_doubled_quotes = false;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(CsvError::OpenQuote { line: opened }),
                Some(b'"') if self.bytes.get(self.at + 1) == Some(&b'"') => {
                    has_doubled_quotes = true;
                    self.at += 2;
                }
                Some(b'"') => break,
                Some(b'\n' | b'\r') => {
                    self.skip_line_end();
                }
                Some(_) => self.at += 1,
            }
        }
        let bytes = &self.bytes[begin..self.at];
        self.at += 1;
        match self.bytes.get(self.at) {
            None | Some(b'\n' | b'\r') => {}
            Some(next) if *next == self.delimiter => {}
            Some(_) => return Err(CsvError::AfterQuote { line: self.line }),
        }
        Ok(Cell { bytes, has_doubled_quotes })
    }

    /// Steps over one line end, if there is one here.
    fn skip_line_end(&mut self) -> bool {
        let size = match &self.bytes[self.at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            _ => return false,
        };
        self.at += size;
        self.line += 1;
        true
    }
}

impl<'a> Cell<'a> {
    /// The text, without white space around it.
    pub(crate) fn text(&self, line: usize) -> Result<Cow<'a, str>, CsvError> {
        let text = str::from_utf8(self.bytes).map_err(|_| CsvError::NotText { line })?;
        if text.contains('\0') {
            return Err(CsvError::NotText { line });
        }
        let text = text.trim();
        let is_plain = !self.has_doubled_quotes;
        Ok(if is_plain { Cow::Borrowed(text) } else { Cow::Owned(text.replace("\"\"", "\"")) })
    }
}

/// A text as an error shows it.
pub(crate) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN_MAX).map_or(text.len(), |(end, _)| end);
    let mut shown = text[..end].to_owned();
    if end < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, CsvError> {
        let mut records = Records::new(text.as_bytes(), b',')?;
        let (mut all, mut cells) = (Vec::new(), Vec::new());
        while let Some(line) = records.next(&mut cells)? {
            let texts = cells.iter().map(|cell| Ok(cell.text(line)?.into_owned()));
            all.push((line, texts.collect::<Result<_, CsvError>>()?));
        }
        Ok(all)
    }

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &[&str])]) {
        let expected: Vec<(usize, Vec<String>)> = expected
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect();
        assert_eq!(records(text).unwrap(), expected);
    }

    #[test]
    fn records_are_read_as_others_write_them() {
        check("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("\u{feff}a,b\r\n1,2\r\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("a,b\r1,2", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check("\n\r\na\n\n\n b \n", &[(3, &["a"]), (6, &["b"])]);
        check("a,,\n,\n", &[(1, &["a", "", ""]), (2, &["", ""])]);
        check("\"a, b\",\"say \"\"so\"\"\"\n", &[(1, &["a, b", "say \"so\""])]);
        check("\"two\nlines\",x\r\ny,z", &[(1, &["two\nlines", "x"]), (3, &["y", "z"])]);
        check("5\" disk,x", &[(1, &["5\" disk", "x"])]);
        check("\"\",\"\"", &[(1, &["", ""])]);
        check("", &[]);
        check("a,", &[(1, &["a", ""])]);
    }

    #[test]
    fn what_is_no_table_is_named_by_its_line() {
        assert_eq!(records("a\n\"b\nc\nd"), Err(CsvError::OpenQuote { line: 2 }));
        assert_eq!(records("a\n\"b\" c\n"), Err(CsvError::AfterQuote { line: 2 }));
        assert_eq!(records("a\nb\0\n"), Err(CsvError::NotText { line: 2 }));
        assert!(Records::new(b"\xff\xfea\0", b',').is_err());
        let mut bad = Records::new(b"a\n\xff\n", b',').unwrap();
        let mut cells = Vec::new();
        bad.next(&mut cells).unwrap();
        let line = bad.next(&mut cells).unwrap().unwrap();
        assert_eq!(cells[0].text(line), Err(CsvError::NotText { line: 2 }));
    }
}
