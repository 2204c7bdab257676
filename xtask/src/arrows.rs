//! Compares the dependencies between crates with the table in `ARCHITECTURE.md`.
//!
//! The table has the columns layer, crate, idea and may use; it is read from the heading `## Crates` to the next
//! heading. It must match both ways: a dependency that is missing in the table is an error, and so is one in the
//! table that does not exist. Rows are ordered, and a crate may only use crates of rows below its own, so
//! dependencies point down and have no cycles.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Package;

/// Heading of the section with the table.
const HEADING: &str = "## Crates";

/// Text of the last column if a crate uses none.
const NOTHING: &str = "nothing";

/// Crates outside the layers.
const OUTSIDE: [&str; 1] = ["xtask"];

#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    idea: String,
    may_use: BTreeSet<String>,
}

/// Returns every difference between the table and the manifests.
pub(crate) fn findings(architecture: &str, packages: &[Package]) -> Vec<String> {
    let rows = match table(architecture) {
        Ok(rows) => rows,
        Err(finding) => return vec![finding],
    };
    let mut findings = order(&rows);
    let mut expected: BTreeMap<&str, &Row> =
        rows.iter().map(|row| (row.name.as_str(), row)).collect();
    for package in packages.iter().filter(|package| !OUTSIDE.contains(&package.name.as_str())) {
        match expected.remove(package.name.as_str()) {
            Some(row) => findings.extend(differences(row, package)),
            None => findings.push(format!(
                "ARCHITECTURE.md: crate `{}` has no row in the table {HEADING}: add one",
                package.name
            )),
        }
    }
    findings.extend(
        expected
            .keys()
            .map(|name| format!("ARCHITECTURE.md: row `{name}` names no crate: remove it")),
    );
    findings
}

fn differences(row: &Row, package: &Package) -> Vec<String> {
    let name = &row.name;
    let new = package.uses.difference(&row.may_use);
    let new = new.map(|used| {
        format!("{name} uses {used}, which ARCHITECTURE.md does not allow: remove the dependency, or add it to the table and say why")
    });
    let gone = row.may_use.difference(&package.uses);
    let gone = gone.map(|used| {
        format!("ARCHITECTURE.md: {name} may use {used}, but does not: remove it from the table")
    });
    let mut findings: Vec<String> = new.chain(gone).collect();
    let idea = package.description.trim_end_matches('.');
    if row.idea.trim_end_matches('.') != idea {
        findings.push(format!("ARCHITECTURE.md: the idea of {name} differs from its description: make both say `{idea}`"));
    }
    findings
}

/// Returns the dependencies of the table that do not point down.
fn order(rows: &[Row]) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for used in &row.may_use {
            match rows.iter().position(|other| &other.name == used) {
                Some(position) if index < position => {}
                Some(_) => findings.push(format!(
                    "ARCHITECTURE.md: {} may use {used}, which is not below it",
                    row.name
                )),
                None => findings.push(format!(
                    "ARCHITECTURE.md: {} may use {used}, which has no row",
                    row.name
                )),
            }
        }
        if rows[..index].iter().any(|other| other.name == row.name) {
            findings.push(format!("ARCHITECTURE.md: {} has two rows", row.name));
        }
    }
    findings
}

fn table(architecture: &str) -> Result<Vec<Row>, String> {
    let section = architecture.lines().skip_while(|line| line.trim_end() != HEADING).skip(1);
    let lines =
        section.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|'));
    // The first two lines are the column names and the rule below them.
    let rows = lines.skip(2).map(row).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Err(format!(
            "ARCHITECTURE.md: no table under `{HEADING}`: write one with layer, crate, idea, may use"
        ));
    }
    Ok(rows)
}

fn row(line: &str) -> Result<Row, String> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [_layer, name, idea, may_use] = cells[..] else {
        return Err(format!(
            "ARCHITECTURE.md: a row of {HEADING} needs layer, crate, idea, may use: {line}"
        ));
    };
    let words = may_use.split([' ', ',']).map(|word| word.trim_matches('`'));
    Ok(Row {
        name: name.trim_matches('`').to_owned(),
        idea: idea.to_owned(),
        may_use: words
            .filter(|word| !word.is_empty() && *word != NOTHING)
            .map(str::to_owned)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# A\n\n## Crates\n\nWords.\n\n| layer | crate | idea | may use |\n|---|---|---|---|\n\
        | top | `roof` | Keeps rain out. | `wall` `floor` |\n| | `wall` | Stands | `floor` |\n| base | `floor` | Lies | nothing |\n\n## Next\n| x |\n";

    fn package(name: &str, description: &str, uses: &[&str]) -> Package {
        Package {
            name: name.into(),
            description: description.into(),
            manifest: "Cargo.toml".into(),
            roots: vec![],
            uses: uses.iter().map(|&used| used.into()).collect(),
        }
    }

    fn house() -> Vec<Package> {
        vec![
            package("roof", "Keeps rain out.", &["floor", "wall"]),
            package("wall", "Stands.", &["floor"]),
            package("floor", "Lies.", &[]),
            package("xtask", "Checks.", &[]),
        ]
    }

    #[track_caller]
    fn check(table: &str, packages: &[Package], expected: &[&str]) {
        let findings = findings(table, packages);
        assert_eq!(findings.len(), expected.len(), "{findings:#?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.contains(part), "{finding} does not say {part}");
        }
    }

    #[test]
    fn a_true_table_has_no_findings() {
        check(TABLE, &house(), &[]);
    }

    #[test]
    fn an_arrow_that_is_not_allowed_is_found() {
        let mut packages = house();
        packages[2].uses.insert("roof".into());
        check(TABLE, &packages, &["floor uses roof"]);
    }

    #[test]
    fn an_arrow_that_is_gone_is_found() {
        let mut packages = house();
        packages[0].uses.remove("wall");
        check(TABLE, &packages, &["roof may use wall, but does not"]);
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let mut packages = house();
        packages[2].uses.insert("wall".into());
        check(
            &TABLE.replace("Lies | nothing", "Lies | `wall`"),
            &packages,
            &["floor may use wall, which is not below"],
        );
    }

    #[test]
    fn crates_and_rows_must_match() {
        let mut packages = house();
        packages.push(package("cellar", "Holds wine.", &[]));
        check(TABLE, &packages, &["`cellar` has no row"]);
        check(TABLE, &house()[..2], &["row `floor` names no crate"]);
        check(&TABLE.replace("| Lies |", "| Flies |"), &house(), &["idea of floor differs"]);
        check("# A\n", &house(), &["no table"]);
        check(&TABLE.replace("| base | ", "| "), &house(), &["needs layer, crate"]);
    }
}
