//! Parses interface files: the part of Solidity that declares interfaces.
//!
//! It accepts `pragma`, `interface` without inheritance, `struct`, `enum`, `function`, `event`, `error`, and `///`
//! comments. A type must be declared before it is used. Bodies, constants, mappings and user-defined value types are
//! errors.

use std::{collections::BTreeMap, sync::Arc};

use crate::interface::{
    Enum, Error, Event, Function, Interface, Kind, Mutability, Parameter, Struct, Variant,
    signature_hash,
};

/// An interface file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Line, from 1.
    pub line: usize,
    /// The token at that place; empty at the end of the file.
    pub found: String,
    /// What is expected at that place.
    pub expected: &'static str,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, found, expected } = self;
        write!(to, "line {line}: found `{found}`, expected {expected}")
    }
}

impl std::error::Error for ReadError {}

/// Reads the interfaces of a file, in its order.
///
/// # Errors
/// [`ReadError`] with the first place that is not understood.
pub fn read(text: &str) -> Result<Vec<Interface>, ReadError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, scope: BTreeMap::new() };
    let mut interfaces = Vec::new();
    while parser.next < parser.tokens.len() {
        let docs = parser.docs();
        match parser.word("`pragma`, `interface`, `struct` or `enum`")? {
            "pragma" => {
                while !parser.take(';') {
                    parser.next = parser.advanced("`;`")?
                }
            }
            "interface" => interfaces.push(parser.interface(docs)?),
            "struct" => drop(parser.structure("", docs)?),
            "enum" => drop(parser.enumeration("", docs)?),
            _ => return Err(parser.before("`pragma`, `interface`, `struct` or `enum`")),
        }
    }
    Ok(interfaces)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A `///` comment.
    Docs(&'a str),
    /// A keyword, name or number.
    Word(&'a str),
    Mark(char),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, ReadError> {
    let mut tokens = Vec::new();
    for (line, mut rest) in (1..).zip(text.lines()) {
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { break };
            if let Some(docs) = rest.strip_prefix("///") {
                tokens.push((line, Token::Docs(docs.trim())));
                break;
            }
            if rest.starts_with("//") {
                break;
            }
            if rest.starts_with("/*") {
                let found = "/*".to_owned();
                return Err(ReadError { line, found, expected: "a `///` comment" });
            }
            let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let size = match rest.find(|letter| !is_word(letter)) {
                Some(0) => first.len_utf8(),
                Some(size) => size,
                None => rest.len(),
            };
            let (token, after) = rest.split_at(size);
            tokens
                .push((line, if is_word(first) { Token::Word(token) } else { Token::Mark(first) }));
            rest = after;
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    next: usize,
    /// Structs and enums by name: of the file, and of the interface that is being parsed.
    scope: BTreeMap<&'a str, Kind>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    /// Returns an error at the next token.
    fn unexpected(&self, expected: &'static str) -> ReadError {
        let last = self.tokens.last().map_or(1, |(line, _)| *line);
        match self.tokens.get(self.next) {
            Some((line, Token::Docs(text) | Token::Word(text))) => {
                ReadError { line: *line, found: (*text).to_owned(), expected }
            }
            Some((line, Token::Mark(mark))) => {
                ReadError { line: *line, found: mark.to_string(), expected }
            }
            None => ReadError { line: last, found: String::new(), expected },
        }
    }

    /// Returns an error at the token that was read last.
    fn before(&mut self, expected: &'static str) -> ReadError {
        self.next = self.next.saturating_sub(1);
        self.unexpected(expected)
    }

    /// Returns the position after the next token.
    fn advanced(&self, expected: &'static str) -> Result<usize, ReadError> {
        self.peek().map(|_| self.next + 1).ok_or_else(|| self.unexpected(expected))
    }

    fn docs(&mut self) -> String {
        let mut lines = Vec::new();
        while let Some(Token::Docs(text)) = self.peek() {
            lines.push(text);
            self.next += 1;
        }
        lines.join(" ")
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, ReadError> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.unexpected(expected)) };
        self.next += 1;
        Ok(word)
    }

    fn take(&mut self, mark: char) -> bool {
        let is_there = self.peek() == Some(Token::Mark(mark));
        self.next += usize::from(is_there);
        is_there
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.peek() == Some(Token::Word(word));
        self.next += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, mark: char, expected: &'static str) -> Result<(), ReadError> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn interface(&mut self, docs: String) -> Result<Interface, ReadError> {
        let name = self.word("a name")?;
        self.expect('{', "`{`")?;
        let outside = self.scope.clone();
        let mut interface = Interface {
            name: name.to_owned(),
            docs,
            enums: Vec::new(),
            structs: Vec::new(),
            functions: Vec::new(),
            events: Vec::new(),
            errors: Vec::new(),
        };
        while !self.take('}') {
            let docs = self.docs();
            let expected = "`struct`, `enum`, `function`, `event` or `error`";
            match self.word(expected)? {
                "struct" => interface.structs.push(self.structure(name, docs)?),
                "enum" => interface.enums.push(self.enumeration(name, docs)?),
                "function" => interface.functions.push(self.function(docs)?),
                "event" => interface.events.push(self.event(docs)?),
                "error" => interface.errors.push(self.error(docs)?),
                _ => return Err(self.before(expected)),
            }
        }
        self.scope = outside;
        Ok(interface)
    }

    fn structure(&mut self, owner: &str, docs: String) -> Result<Arc<Struct>, ReadError> {
        let name = self.word("a name")?;
        self.expect('{', "`{`")?;
        let mut fields = Vec::new();
        while fields.is_empty() || !self.take('}') {
            let docs = self.docs();
            let kind = self.kind()?;
            let name = self.word("a name")?.to_owned();
            self.expect(';', "`;`")?;
            fields.push(Parameter { name, docs, kind, is_indexed: false });
        }
        let declared = Arc::new(Struct { path: path(owner, name), docs, fields });
        self.scope.insert(name, Kind::Struct(Arc::clone(&declared)));
        Ok(declared)
    }

    fn enumeration(&mut self, owner: &str, docs: String) -> Result<Arc<Enum>, ReadError> {
        let name = self.word("a name")?;
        self.expect('{', "`{`")?;
        let mut variants = Vec::new();
        loop {
            let docs = self.docs();
            variants.push(Variant { name: self.word("a variant")?.to_owned(), docs });
            if !self.take(',') {
                break;
            }
        }
        self.expect('}', "`,` or `}`")?;
        let declared = Arc::new(Enum { path: path(owner, name), docs, variants });
        self.scope.insert(name, Kind::Enum(Arc::clone(&declared)));
        Ok(declared)
    }

    fn function(&mut self, docs: String) -> Result<Function, ReadError> {
        let name = self.word("a name")?.to_owned();
        let inputs = self.parameters()?;
        let mut mutability = Mutability::Nonpayable;
        let mut outputs = Vec::new();
        while !self.take(';') {
            match self.word("`external`, a mutability, `returns` or `;`")? {
                "external" => {}
                "view" => mutability = Mutability::View,
                "pure" => mutability = Mutability::Pure,
                "payable" => mutability = Mutability::Payable,
                "returns" => outputs = self.parameters()?,
                _ => return Err(self.before("`external`, a mutability, `returns` or `;`")),
            }
        }
        let [a, b, c, d, ..] = *signature_hash(&name, &inputs);
        Ok(Function { name, docs, inputs, outputs, mutability, selector: [a, b, c, d] })
    }

    fn event(&mut self, docs: String) -> Result<Event, ReadError> {
        let name = self.word("a name")?.to_owned();
        let inputs = self.parameters()?;
        self.expect(';', "`;`")?;
        let topic = signature_hash(&name, &inputs);
        Ok(Event { name, docs, inputs, topic })
    }

    fn error(&mut self, docs: String) -> Result<Error, ReadError> {
        let name = self.word("a name")?.to_owned();
        let inputs = self.parameters()?;
        self.expect(';', "`;`")?;
        let [a, b, c, d, ..] = *signature_hash(&name, &inputs);
        Ok(Error { name, docs, inputs, selector: [a, b, c, d] })
    }

    /// Reads `(type location name, …)`; location and name may be missing.
    fn parameters(&mut self) -> Result<Vec<Parameter>, ReadError> {
        self.expect('(', "`(`")?;
        let mut parameters = Vec::new();
        if self.take(')') {
            return Ok(parameters);
        }
        loop {
            let docs = self.docs();
            let kind = self.kind()?;
            let is_indexed = self.take_word("indexed");
            while ["memory", "calldata"].iter().any(|location| self.take_word(location)) {}
            let name = match self.peek() {
                Some(Token::Word(name)) => {
                    self.next += 1;
                    name.to_owned()
                }
                _ => String::new(),
            };
            parameters.push(Parameter { name, docs, kind, is_indexed });
            if !self.take(',') {
                break;
            }
        }
        self.expect(')', "`,` or `)`")?;
        Ok(parameters)
    }

    fn kind(&mut self) -> Result<Kind, ReadError> {
        let word = self.word("a type")?;
        let declared = self.scope.get(word).cloned();
        let Some(mut kind) = declared.or_else(|| elementary(word)) else {
            return Err(self.before("a type of Solidity, or one declared above"));
        };
        while self.take('[') {
            kind = if self.take(']') {
                Kind::List(Box::new(kind))
            } else {
                let count = self.word("a number or `]`")?.parse().ok().filter(|count| *count > 0);
                let count = count.ok_or_else(|| self.before("a number above 0"))?;
                self.expect(']', "`]`")?;
                Kind::Array(Box::new(kind), count)
            };
        }
        Ok(kind)
    }
}

fn path(owner: &str, name: &str) -> String {
    if owner.is_empty() { name.to_owned() } else { format!("{owner}.{name}") }
}

fn elementary(word: &str) -> Option<Kind> {
    let bits = |text: &str| match text {
        "" => Some(256),
        bits => bits.parse().ok().filter(|bits| bits % 8 == 0 && (8..=256).contains(bits)),
    };
    match word {
        "address" => Some(Kind::Address),
        "bool" => Some(Kind::Bool),
        "bytes" => Some(Kind::Bytes),
        "string" => Some(Kind::String),
        _ => {
            if let Some(text) = word.strip_prefix("uint") {
                bits(text).map(Kind::Uint)
            } else if let Some(text) = word.strip_prefix("int") {
                bits(text).map(Kind::Int)
            } else {
                let size = word.strip_prefix("bytes")?.parse().ok();
                size.filter(|size| (1..=32).contains(size)).map(Kind::FixedBytes)
            }
        }
    }
}
