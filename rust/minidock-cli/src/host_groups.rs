//! Names of the caller's groups, for people. Only the local file is asked: a name is a courtesy.

/// `name (id)` of each, or the id alone where `/etc/group` has no name.
pub(crate) fn named(groups: &[u32]) -> String {
    // Without the file the numbers say it.
    let known = std::fs::read("/etc/group").unwrap_or_default();
    listed(&String::from_utf8_lossy(&known), groups)
}

fn listed(known: &str, groups: &[u32]) -> String {
    let name = |id: &u32| {
        let mut lines = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let line = lines.find(|fields| fields.get(2).is_some_and(|text| text.parse() == Ok(*id)));
        match line.and_then(|fields| fields.first().copied()) {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        }
    };
    groups.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn names_where_they_are_known() {
        let known = "root:x:0:\nadm:x:4:me,you\nbroken\nvideo:x:44:\n";
        assert_eq!(listed(known, &[44, 4, 5000]), "video (44), adm (4), 5000");
        assert_eq!(listed("", &[7]), "7");
    }
}
