//! What a step's result depends on, as one digest.
//!
//! A field is its name and value, both with their length, so that no two lists of fields have one
//! text. Names of images are never in it: layers stand for what they led to.

use minidock_image::digest::Digest;

use crate::store::LocalId;

/// Changes whenever keys made before must not count any more.
const FORMAT: &str = "minidock build step 1";

/// A key in the making.
#[derive(Debug, Clone)]
pub(crate) struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    /// A key of a step of this kind on top of these layers, lowest first.
    ///
    /// All of them: two images may share their topmost layer and differ below it.
    pub(crate) fn new(kind: &str, layers: &[LocalId]) -> Self {
        let mut key = Self(Vec::new());
        key.field("format", FORMAT);
        key.field("kind", kind);
        key.list("layers", layers.iter().map(LocalId::as_str));
        key
    }

    /// Adds a field.
    pub(crate) fn field(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.bytes(name.as_bytes());
        self.bytes(value.as_ref());
        self
    }

    /// Adds a field that may be absent; absent and empty differ.
    pub(crate) fn option(&mut self, name: &str, value: Option<impl AsRef<[u8]>>) -> &mut Self {
        self.list(name, value)
    }

    /// Adds a list, its order and length with it.
    pub(crate) fn list<T: AsRef<[u8]>>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let values: Vec<T> = values.into_iter().collect();
        self.bytes(name.as_bytes());
        self.0.extend_from_slice(&(values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| self.bytes(value.as_ref()));
        self
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The key.
    pub(crate) fn finish(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(build: fn(&mut KeyBuilder) -> &mut KeyBuilder) -> Digest {
        let mut key = KeyBuilder::new("run", &[]);
        build(&mut key);
        key.finish()
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let cases: [fn(&mut KeyBuilder) -> &mut KeyBuilder; 10] = [
            |k| k,
            |k| k.field("a", "bc"),
            |k| k.field("ab", "c"),
            |k| k.field("a", "b").field("c", ""),
            |k| k.list("a", ["b", "c"]),
            |k| k.list("a", ["bc"]),
            |k| k.list("a", ["bc", ""]),
            |k| k.list("a", ["c", "b"]),
            |k| k.option("a", None::<&str>),
            |k| k.option("a", Some("")),
        ];
        let keys = cases.map(key);
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at}");
        }
        assert_eq!(keys[1], key(cases[1]));
    }

    #[test]
    fn every_layer_below_counts() {
        let ids: Vec<LocalId> = (0..3).map(|_| LocalId::random().unwrap()).collect();
        let of = |list: &[usize]| {
            let layers: Vec<LocalId> = list.iter().map(|at| ids[*at].clone()).collect();
            KeyBuilder::new("run", &layers).finish()
        };
        let keys = [of(&[]), of(&[2]), of(&[0, 2]), of(&[1, 2]), of(&[2, 0])];
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[at + 1..].contains(one), "{at}");
        }
        assert_ne!(of(&[0]), KeyBuilder::new("copy", &[ids[0].clone()]).finish());
    }
}
