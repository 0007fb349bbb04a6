//! The lines of passwd(5) and group(5). Any bytes are input; nothing is believed to be there.

/// One line, split at colons.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    line: usize,
    text: &'a [u8],
}

/// The lines that are neither empty nor a comment.
pub(super) fn rows(file: &[u8]) -> impl Iterator<Item = Row<'_>> {
    file.split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, text)| Row { line: index + 1, text: text.trim_ascii() })
        .filter(|row| !row.text.is_empty() && row.text[0] != b'#')
}

impl<'a> Row<'a> {
    /// Its number, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The field of this number, from 0; empty when the line is shorter.
    pub(super) fn field(&self, number: usize) -> &'a [u8] {
        self.text.split(|byte| *byte == b':').nth(number).unwrap_or_default()
    }

    /// The first field.
    pub(super) fn name(&self) -> &'a [u8] {
        self.field(0)
    }

    /// A field as an id: decimal digits alone, and in range.
    pub(super) fn id(&self, number: usize) -> Option<u32> {
        let field = self.field(number);
        if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(field).ok()?.parse().ok().filter(|id| *id != super::NO_ID)
    }

    /// Whether the list of members of a group has this name.
    pub(super) fn has_member(&self, name: &[u8]) -> bool {
        !name.is_empty() && self.field(3).split(|byte| *byte == b',').any(|member| member == name)
    }
}
