//! Owns the words that random container names are made of. Plain words only, no people.

use crate::error::Result;

use super::random_hex;

const ADJECTIVES: &[&str] = &[
    "agile", "amber", "ample", "apt", "arctic", "azure", "bold", "brave", "breezy", "bright",
    "brisk", "calm", "candid", "clear", "clever", "cobalt", "cosy", "crisp", "curious", "daring",
    "deft", "eager", "early", "even", "fair", "fleet", "fond", "frank", "fresh", "gentle", "glad",
    "golden", "grand", "hardy", "hazel", "hearty", "humble", "ivory", "jade", "jolly", "keen",
    "kind", "lively", "lucid", "lunar", "mellow", "merry", "mild", "misty", "modest", "neat",
    "nimble", "noble", "olive", "opal", "patient", "placid", "plucky", "polar", "proud", "quick",
    "quiet", "rapid", "ready", "robust", "rosy", "ruby", "rustic", "sage", "serene", "sharp",
    "silent", "silver", "simple", "sleek", "smooth", "snug", "solar", "solid", "spry", "steady",
    "still", "stout", "subtle", "sunny", "swift", "tidy", "topaz", "tranquil", "trim", "true",
    "upbeat", "velvet", "vivid", "warm", "wise", "witty", "zesty",
];

const NOUNS: &[&str] = &[
    "acorn", "alder", "anchor", "anvil", "aspen", "badger", "basin", "beacon", "beech", "birch",
    "bison", "bridge", "brook", "canyon", "cedar", "cliff", "cloud", "clover", "comet", "condor",
    "coral", "crane", "creek", "delta", "dune", "eagle", "ember", "falcon", "fern", "finch",
    "fjord", "forest", "fox", "garnet", "geyser", "glacier", "grove", "gull", "harbour", "hare",
    "hawk", "hazelnut", "heron", "hill", "island", "ivy", "juniper", "kestrel", "lagoon", "lake",
    "lark", "laurel", "lichen", "lily", "lynx", "maple", "marsh", "meadow", "meteor", "moose",
    "moss", "nebula", "newt", "oak", "orchard", "orchid", "osprey", "otter", "owl", "pebble",
    "pine", "plover", "pond", "poplar", "quarry", "quartz", "raven", "reef", "ridge", "river",
    "robin", "rowan", "seal", "shore", "sparrow", "spruce", "stone", "stork", "summit", "swan",
    "thicket", "thistle", "tide", "tundra", "valley", "walnut", "willow", "wren",
];

/// `adjective_noun`; later attempts add hex digits, so that a full name space still ends.
pub(super) fn pick(attempt: usize) -> Result<String> {
    let seed = random_hex::<8>()?;
    let number = u64::from_str_radix(&seed, 16).unwrap_or_default();
    let adjective = word(ADJECTIVES, number);
    let noun = word(NOUNS, number >> 32);
    Ok(match attempt {
        0 => format!("{adjective}_{noun}"),
        _ => format!("{adjective}_{noun}_{}", &seed[..4]),
    })
}

fn word(list: &'static [&'static str], number: u64) -> &'static str {
    // The list is never empty and its length fits any integer: the remainder is an index.
    list[(number % list.len() as u64) as usize]
}
