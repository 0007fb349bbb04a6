//! The catalogue of mistakes: message, offending text, advice. No formatting of places here.

use thiserror::Error;

use crate::duration::DurationError;
use crate::expand::ExpandError;
use crate::port::PortError;

/// What is wrong, without its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what its variant and fields are")]
pub enum ErrorKind {
    #[error("the file is not UTF-8: byte 0x{byte:02x} in this line")]
    NotUtf8 { byte: u8 },
    #[error("NUL byte in this line")]
    NulByte,
    #[error("the Dockerfile has no instructions")]
    Empty,
    #[error("parser directive {name} given twice")]
    DuplicateDirective { name: String },
    #[error("invalid escape character: {value}")]
    InvalidEscape { value: String },
    #[error("heredoc {name} is not terminated")]
    UnterminatedHeredoc { name: String },
    #[error("unknown instruction: {word}{}", did_you_mean(*suggestion, ""))]
    UnknownInstruction { word: String, suggestion: Option<&'static str> },
    #[error("{instruction}: unknown flag --{flag}{}", did_you_mean(*suggestion, "--"))]
    UnknownFlag { instruction: &'static str, flag: String, suggestion: Option<&'static str> },
    #[error("{instruction}: flag --{flag} given twice")]
    DuplicateFlag { instruction: &'static str, flag: String },
    #[error("{instruction}: flag --{flag} needs a value")]
    FlagWithoutValue { instruction: &'static str, flag: String },
    #[error("{instruction}: --{flag}={value}: expected {expected}")]
    FlagValue {
        instruction: &'static str,
        flag: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("{instruction}: unterminated quote in a flag: {text}")]
    FlagQuote { instruction: &'static str, text: String },
    #[error("{instruction} needs {needs}")]
    MissingArgument { instruction: &'static str, needs: &'static str },
    #[error("{instruction}: one argument too many: {text}")]
    ExtraArgument { instruction: &'static str, text: String },
    #[error("{instruction}: the JSON array holds something that is not a string: {text}")]
    JsonNotStrings { instruction: &'static str, text: String },
    #[error("{instruction}: the JSON array holds half of a surrogate pair: {text}")]
    JsonUnicode { instruction: &'static str, text: String },
    #[error("{instruction} takes a JSON array only, not: {text}")]
    JsonRequired { instruction: &'static str, text: String },
    #[error("{instruction}: a name is empty: {text}")]
    BlankName { instruction: &'static str, text: String },
    #[error("{instruction}: no = in {text}")]
    MissingEquals { instruction: &'static str, text: String },
    #[error("invalid stage name: {name}")]
    InvalidStageName { name: String },
    #[error("FROM: expected AS and a stage name, not: {text}")]
    FromArguments { text: String },
    #[error("{instruction}: the destination cannot be a heredoc: {text}")]
    HeredocDestination { instruction: &'static str, text: String },
    #[error("{instruction}: the heredoc name {name} cannot name a file")]
    HeredocName { instruction: &'static str, name: String },
    #[error("ONBUILD: {trigger} cannot be a trigger")]
    OnbuildTrigger { trigger: String },
    #[error("HEALTHCHECK: unknown type: {word}")]
    HealthType { word: String },
    #[error("HEALTHCHECK: --{flag}={value}: {reason}")]
    HealthDuration { flag: &'static str, value: String, reason: DurationError },
    #[error("RUN --mount: unknown option {option}{}", did_you_mean(*suggestion, ""))]
    MountOption { option: String, suggestion: Option<&'static str> },
    #[error("RUN --mount: option {option} given twice")]
    MountDuplicate { option: String },
    #[error("RUN --mount: {option}={value}: expected {expected}")]
    MountValue { option: String, value: String, expected: &'static str },
    #[error("RUN --mount: type={kind} takes no option {option}")]
    MountKind { kind: String, option: &'static str },
    #[error("EXPOSE: {port}: {reason}")]
    InvalidPort { port: String, reason: PortError },
    #[error("{reason}")]
    Expansion { text: String, reason: ExpandError },
    #[error("{instruction} before the first FROM")]
    BeforeFrom { instruction: &'static str },
    #[error("no FROM in the Dockerfile")]
    NoFrom,
    #[error("FROM: the image name is empty: {expression}")]
    BlankBase { expression: String },
    #[error("stage name {name} is already used in line {first_line}")]
    DuplicateStage { name: String, first_line: usize },
    #[error("{instruction}: from={from} refers to its own stage")]
    SelfReference { instruction: &'static str, from: String },
    #[error("{instruction}: from={from} refers to a stage that begins later, in line {line}")]
    ForwardReference { instruction: &'static str, from: String, line: usize },
    #[error("{instruction}: from={from}: there is no stage with that number")]
    StageNumber { instruction: &'static str, from: String },
    #[error("{instruction}: variables are not expanded in from={from}")]
    VariableInFrom { instruction: &'static str, from: String },
    #[error("no build stage {target}; the stages are: {known}")]
    UnknownTarget { target: String, known: String },
    #[error("a trigger must be exactly one instruction")]
    TriggerCount,
}

fn did_you_mean(suggestion: Option<&'static str>, prefix: &str) -> String {
    suggestion.map_or_else(String::new, |word| format!(" (did you mean {prefix}{word}?)"))
}

impl ErrorKind {
    /// The piece of source text at fault, as written.
    #[must_use]
    pub fn offending(&self) -> Option<&str> {
        use ErrorKind as K;
        match self {
            K::HeredocName { name, .. } => Some(name),
            K::DuplicateDirective { name } | K::UnterminatedHeredoc { name } => Some(name),
            K::InvalidStageName { name } | K::DuplicateStage { name, .. } => Some(name),
            K::InvalidEscape { value } | K::HealthDuration { value, .. } => Some(value),
            K::FlagValue { value, .. } | K::MountValue { value, .. } => Some(value),
            K::UnknownInstruction { word, .. } | K::HealthType { word } => Some(word),
            K::UnknownFlag { flag, .. }
            | K::DuplicateFlag { flag, .. }
            | K::FlagWithoutValue { flag, .. } => Some(flag),
            K::FlagQuote { text, .. }
            | K::ExtraArgument { text, .. }
            | K::JsonNotStrings { text, .. }
            | K::JsonUnicode { text, .. }
            | K::JsonRequired { text, .. }
            | K::BlankName { text, .. }
            | K::MissingEquals { text, .. }
            | K::FromArguments { text }
            | K::HeredocDestination { text, .. }
            | K::Expansion { text, .. } => Some(text),
            K::OnbuildTrigger { trigger } => Some(trigger),
            K::MountOption { option, .. } | K::MountDuplicate { option } => Some(option),
            K::InvalidPort { port, .. } => Some(port),
            K::MountKind { option, .. } => Some(option),
            K::BlankBase { expression } => Some(expression),
            K::SelfReference { from, .. }
            | K::ForwardReference { from, .. }
            | K::StageNumber { from, .. }
            | K::VariableInFrom { from, .. } => Some(from),
            K::BeforeFrom { instruction } | K::MissingArgument { instruction, .. } => {
                Some(instruction)
            }
            K::UnknownTarget { target, .. } => Some(target),
            K::NotUtf8 { .. } | K::NulByte | K::Empty | K::NoFrom | K::TriggerCount => None,
        }
    }

    /// What to do about it, as one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        use ErrorKind as K;
        match self {
            K::NotUtf8 { .. } => "save the file as UTF-8".into(),
            K::NulByte => "is this a text file? UTF-16 must be saved as UTF-8".into(),
            K::Empty | K::NoFrom => "begin with FROM and an image, or FROM scratch".into(),
            K::DuplicateDirective { name } => format!("keep one line `# {name}=…`"),
            K::InvalidEscape { .. } => "`# escape=` takes \\ or `".into(),
            K::UnterminatedHeredoc { name } => format!(
                "end it with a line holding {name} alone; where << is not a heredoc, quote it"
            ),
            K::UnknownInstruction { suggestion: Some(word), .. } => {
                format!("write {word}, or end the line before with \\ if this continues it")
            }
            K::UnknownInstruction { .. } => {
                "each line begins with an instruction such as RUN or COPY; end the line before \
                 with \\ if this continues it"
                    .into()
            }
            K::UnknownFlag { instruction, .. } => {
                let known = crate::flags::known_flags(instruction);
                if known.is_empty() {
                    format!(
                        "{instruction} takes no flags; put -- before an argument that begins with --"
                    )
                } else {
                    format!("{instruction} takes: --{}", known.join(", --"))
                }
            }
            K::DuplicateFlag { flag, .. } => format!("keep one --{flag}"),
            K::FlagWithoutValue { flag, .. } => format!("write --{flag}=VALUE, without spaces"),
            K::FlagValue { flag, expected, .. } => format!("give --{flag} {expected}"),
            K::FlagQuote { .. } => "close the quote".into(),
            K::MissingArgument { instruction, .. } => usage(instruction).into(),
            K::ExtraArgument { instruction, .. } => usage(instruction).into(),
            K::JsonNotStrings { .. } => "put every element in double quotes".into(),
            K::JsonUnicode { .. } => {
                "write the character itself, or both halves as \\uD83D\\uDE00".into()
            }
            K::JsonRequired { .. } => "write [\"program\", \"argument\"] with double quotes".into(),
            K::BlankName { .. } | K::MissingEquals { .. } => {
                "write NAME=VALUE, with quotes around a value that holds spaces".into()
            }
            K::InvalidStageName { .. } => {
                "begin with a letter and use letters, digits, '-', '_' and '.'".into()
            }
            K::FromArguments { .. } => usage("FROM").into(),
            K::HeredocDestination { .. } => "give the destination path last".into(),
            K::HeredocName { .. } => "use a name without /, such as EOF".into(),
            K::OnbuildTrigger { .. } => {
                "ONBUILD takes any instruction but ONBUILD, FROM and MAINTAINER".into()
            }
            K::HealthType { .. } => usage("HEALTHCHECK").into(),
            K::HealthDuration { .. } => "write a duration such as 30s, 1m30s or 500ms".into(),
            K::MountOption { .. } => {
                format!("the options are: {}", crate::instruction::MOUNT_OPTIONS.join(", "))
            }
            K::MountKind { option, .. } => format!("leave {option} out, or choose another type="),
            K::MountDuplicate { option } => format!("keep one {option}"),
            K::MountValue { option, expected, .. } => format!("give {option} {expected}"),
            K::InvalidPort { .. } => {
                "write PORT, PORT/udp or FIRST-LAST/tcp, with ports 1 to 65535".into()
            }
            K::Expansion { reason, .. } => reason.hint().into(),
            K::BeforeFrom { .. } => "only ARG may stand before the first FROM".into(),
            K::BlankBase { .. } => {
                "give the ARG a default before the first FROM, or pass --build-arg".into()
            }
            K::DuplicateStage { .. } => "give each stage a name of its own".into(),
            K::SelfReference { .. } => {
                "a stage cannot copy from itself; name an earlier stage or an image".into()
            }
            K::ForwardReference { .. } => "move that stage above this one".into(),
            K::StageNumber { .. } => "stages are counted from 0 in the order of their FROM".into(),
            K::VariableInFrom { .. } => {
                "add a stage `FROM $VARIABLE AS name` and refer to that name".into()
            }
            K::UnknownTarget { .. } => "give the name or the number of one of them".into(),
            K::TriggerCount => {
                "the base image's ONBUILD list is damaged; rebuild that image".into()
            }
        }
    }
}

/// The form of an instruction, for an error about its arguments.
fn usage(instruction: &str) -> &'static str {
    match instruction {
        "FROM" => "write FROM [--platform=PLATFORM] IMAGE [AS NAME]",
        "RUN" => "write RUN COMMAND or RUN [\"program\", \"argument\"]",
        "CMD" => "write CMD COMMAND or CMD [\"program\", \"argument\"]",
        "ENTRYPOINT" => "write ENTRYPOINT [\"program\", \"argument\"]",
        "COPY" => "write COPY SOURCE… DESTINATION, or a JSON array where paths hold spaces",
        "ADD" => "write ADD SOURCE… DESTINATION, or a JSON array where paths hold spaces",
        "WORKDIR" => "write WORKDIR /path",
        "USER" => "write USER NAME[:GROUP]",
        "ENV" => "write ENV NAME=VALUE…",
        "LABEL" => "write LABEL NAME=VALUE…",
        "ARG" => "write ARG NAME[=DEFAULT]…",
        "EXPOSE" => "write EXPOSE PORT[/PROTOCOL]…",
        "VOLUME" => "write VOLUME /path… or VOLUME [\"/path\"]",
        "SHELL" => "write SHELL [\"program\", \"argument\"]",
        "STOPSIGNAL" => "write STOPSIGNAL SIGTERM, or a number",
        "HEALTHCHECK" => "write HEALTHCHECK [FLAGS] CMD COMMAND, or HEALTHCHECK NONE",
        "ONBUILD" => "write ONBUILD INSTRUCTION",
        "MAINTAINER" => "write LABEL org.opencontainers.image.authors=\"…\" instead",
        _ => "see the Dockerfile reference",
    }
}
