//! From tokens to the tree of a template.

use serde_json::Value;

use super::lex::{Piece, Token};
use super::{Result, TemplateError};

/// Nesting beyond this is refused: it would only exhaust the stack.
const DEEPEST: usize = 64;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Output(Pipeline),
    If { condition: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    With { value: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    Range { values: Pipeline, each: Vec<Node>, otherwise: Vec<Node> },
}

/// Commands, the result of each the last argument of the next.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    /// Variables that it sets.
    pub(super) sets: Vec<String>,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// An operand and the fields taken of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    pub(super) base: Base,
    pub(super) fields: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Base {
    Dot,
    Variable(String),
    Literal(Value),
    Function(String),
    Nested(Pipeline),
}

pub(super) fn parse(pieces: Vec<Piece>) -> Result<Vec<Node>> {
    let mut parser = Parser { pieces: pieces.into_iter(), depth: 0 };
    let (nodes, end) = parser.block()?;
    match end {
        Stop::Text => Ok(nodes),
        Stop::End => Err(syntax("{{end}} has nothing to end")),
        Stop::Else(_) => Err(syntax("{{else}} has no {{if}}, {{range}} or {{with}}")),
    }
}

fn syntax(what: impl Into<String>) -> TemplateError {
    TemplateError::Syntax { what: what.into() }
}

/// What ended a block.
enum Stop {
    Text,
    End,
    Else(Vec<Token>),
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    depth: usize,
}

impl Parser {
    fn block(&mut self) -> Result<(Vec<Node>, Stop)> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(syntax("it is nested too deeply"));
        }
        let block = self.nodes();
        self.depth -= 1;
        block
    }

    fn nodes(&mut self) -> Result<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let tokens = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            match tokens.first() {
                None => return Err(syntax("{{}} is empty")),
                Some(Token::Word(word)) => match word.as_str() {
                    "end" if tokens.len() == 1 => return Ok((nodes, Stop::End)),
                    "else" => return Ok((nodes, Stop::Else(tokens[1..].to_vec()))),
                    "if" | "range" | "with" => {
                        let word = word.clone();
                        nodes.push(self.control(&word, &tokens[1..])?);
                    }
                    "define" | "template" | "block" | "break" | "continue" => {
                        return Err(syntax(format!("{{{{{word}}}}} is not supported")));
                    }
                    _ => nodes.push(Node::Output(pipeline(&tokens, self.depth)?)),
                },
                Some(_) => nodes.push(Node::Output(pipeline(&tokens, self.depth)?)),
            }
        }
        Ok((nodes, Stop::Text))
    }

    fn control(&mut self, word: &str, tokens: &[Token]) -> Result<Node> {
        let head = pipeline(tokens, self.depth)?;
        let (then, end) = self.block()?;
        let otherwise = match end {
            Stop::End => Vec::new(),
            Stop::Text => return Err(syntax(format!("{{{{{word}}}}} has no {{{{end}}}}"))),
            Stop::Else(rest) => self.otherwise(word, &rest)?,
        };
        Ok(match word {
            "if" => Node::If { condition: head, then, otherwise },
            "with" => Node::With { value: head, then, otherwise },
            _ => Node::Range { values: head, each: then, otherwise },
        })
    }

    /// What follows `{{else}}`; `{{else if x}}` is a whole `if` and shares the `{{end}}`.
    fn otherwise(&mut self, word: &str, rest: &[Token]) -> Result<Vec<Node>> {
        if let Some(Token::Word(inner)) = rest.first()
            && inner == word
            && word != "range"
        {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(syntax("it is nested too deeply"));
            }
            let node = self.control(word, &rest[1..]);
            self.depth -= 1;
            return node.map(|node| vec![node]);
        }
        if !rest.is_empty() {
            return Err(syntax("{{else}} stands alone, or as {{else if …}}"));
        }
        match self.block()? {
            (nodes, Stop::End) => Ok(nodes),
            (_, Stop::Else(_)) => Err(syntax("there are two {{else}} for one {{end}}")),
            (_, Stop::Text) => Err(syntax(format!("{{{{{word}}}}} has no {{{{end}}}}"))),
        }
    }
}

fn pipeline(tokens: &[Token], depth: usize) -> Result<Pipeline> {
    let (sets, rest) = declaration(tokens)?;
    let mut cursor = Cursor { tokens: rest, at: 0, depth };
    let commands = cursor.commands()?;
    match cursor.at == rest.len() {
        true => Ok(Pipeline { sets, commands }),
        false => Err(syntax("a ) has no (")),
    }
}

/// `$x :=`, `$x =` or `$i, $x :=`.
fn declaration(tokens: &[Token]) -> Result<(Vec<String>, &[Token])> {
    match tokens {
        [Token::Variable(one), Token::Declare | Token::Assign, rest @ ..] => {
            Ok((vec![one.clone()], rest))
        }
        [Token::Variable(one), Token::Comma, Token::Variable(two), Token::Declare, rest @ ..] => {
            Ok((vec![one.clone(), two.clone()], rest))
        }
        _ => Ok((Vec::new(), tokens)),
    }
}

struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Cursor<'_> {
    fn commands(&mut self) -> Result<Vec<Vec<Operand>>> {
        let mut commands = vec![self.command()?];
        while self.tokens.get(self.at) == Some(&Token::Pipe) {
            self.at += 1;
            commands.push(self.command()?);
        }
        Ok(commands)
    }

    fn command(&mut self) -> Result<Vec<Operand>> {
        let mut operands = Vec::new();
        while let Some(token) = self.tokens.get(self.at) {
            if matches!(token, Token::Pipe | Token::Close) {
                break;
            }
            operands.push(self.operand()?);
        }
        match operands.is_empty() {
            true => Err(syntax("a value is missing")),
            false => Ok(operands),
        }
    }

    fn operand(&mut self) -> Result<Operand> {
        let token = self.tokens[self.at].clone();
        self.at += 1;
        let mut fields = Vec::new();
        let base = match token {
            Token::Dot => Base::Dot,
            Token::Field { name, glued: false } => {
                fields.push(name);
                Base::Dot
            }
            Token::Variable(name) => Base::Variable(name),
            Token::Text(text) => Base::Literal(text.into()),
            Token::Number(number) => Base::Literal(number.into()),
            Token::Word(word) => match word.as_str() {
                "true" => Base::Literal(true.into()),
                "false" => Base::Literal(false.into()),
                "nil" => Base::Literal(Value::Null),
                _ => Base::Function(word),
            },
            Token::Open => Base::Nested(self.nested()?),
            other => return Err(syntax(format!("{} is out of place", shown(&other)))),
        };
        while let Some(Token::Field { name, glued: true }) = self.tokens.get(self.at) {
            fields.push(name.clone());
            self.at += 1;
        }
        Ok(Operand { base, fields })
    }

    fn nested(&mut self) -> Result<Pipeline> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(syntax("it is nested too deeply"));
        }
        let commands = self.commands()?;
        self.depth -= 1;
        if self.tokens.get(self.at) != Some(&Token::Close) {
            return Err(TemplateError::Unclosed { what: "(".to_owned() });
        }
        self.at += 1;
        Ok(Pipeline { sets: Vec::new(), commands })
    }
}

fn shown(token: &Token) -> &'static str {
    match token {
        Token::Declare => ":=",
        Token::Assign => "=",
        Token::Comma => ",",
        Token::Pipe => "|",
        Token::Close => ")",
        _ => "a field",
    }
}
