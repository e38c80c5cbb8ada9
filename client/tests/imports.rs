//! The shape of `client/src` and `client/cli/src`: no circle is among the files of either, and imports among those of
//! `client/src` go down only, as the table in `client/README.md` lists them.
//!
//! Unit tests (`#[cfg(test)]`) are left out: they may look at anything.

#[path = "../../scripts/import_graph.rs"]
mod import_graph;

use std::{collections::BTreeMap, fs, path::Path};

use import_graph::{Crate, read_folder, row_of, rows_of};

fn read(folder: &str) -> Crate {
    let mut sources = BTreeMap::new();
    read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "", &mut sources);
    Crate::new(&sources)
}

#[test]
fn no_circle_is_among_the_files() {
    for (folder, imports_min) in [("src", 300), ("cli/src", 80)] {
        let all = read(folder);
        let imports = all.imports.values().map(BTreeMap::len).sum::<usize>();
        assert!(imports > imports_min, "the imports of {folder} were not found: {imports}");
        if let Some(circle) = all.circle() {
            panic!("files of client/{folder} import each other in a circle:\n{circle}");
        }
    }
}

#[test]
fn imports_go_down_the_table_of_the_readme() {
    let all = read("src");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let rows = rows_of(&fs::read_to_string(readme).expect("it is text"));
    let missing: Vec<&String> = all.imports.keys().filter(|file| row_of(&rows, file).is_none()).collect();
    assert!(missing.is_empty(), "no row of the table in client/README.md has {missing:?}");
    for name in rows.iter().flatten() {
        let one = [vec![name.clone()]];
        assert!(all.imports.keys().any(|file| row_of(&one, file).is_some()), "client/src has no {name}");
    }
    let upwards = all.upwards(&rows);
    assert!(upwards.is_empty(), "imports go down only, as client/README.md says; these go up:\n{}", upwards.join("\n"));
}
